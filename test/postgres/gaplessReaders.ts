import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import { logStart, type MessageLog } from '../../src/store/messageLog.ts';
import { readAll } from '../../src/store/readAll.ts';
import { oneTo, sample } from '../../src/testing/contract/sampleMessages.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { History, type ReadMessage } from '../../src/testing/history.ts';

/** What this needs of a log, so that another one can be held against it. */
export type NumberedLog = Pick<MessageLog, 'append' | 'read'>;

const planId = 'plan';

/**
 * What a log's table needs so that messages with `slow` in their ids take `ms` to commit, after they have their number:
 * the commit of one that was numbered later may come first.
 */
export function slowCommits(table: string, ms: number): string[] {
  return [
    `CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN PERFORM pg_sleep(${ms / 1000}); RETURN NULL; END $$`,
    `CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON ${table} DEFERRABLE INITIALLY DEFERRED
     FOR EACH ROW WHEN (NEW.message_id LIKE 'slow%') EXECUTE FUNCTION slow_commit()`,
  ];
}

/**
 * Slow and fast writers write to a plan while readers read on behind what they saw, all the time. Answers what the
 * oracle says of what the readers saw.
 */
export async function readWhileWriting(
  writers: readonly NumberedLog[],
  reader: NumberedLog,
  { messages, seed }: { readonly messages: number; readonly seed: number },
): Promise<{ readonly violations: string[]; readonly stored: number }> {
  const random = new SeededRandom(seed);
  const history = new History({ oneClock: true });
  let writing = true;
  const written = Promise.all(
    oneTo(8).map(async (number) => {
      const slow = number % 4 === 0;
      const name = `${slow ? 'slow' : 'fast'}-${number}`;
      for (const place of oneTo(slow ? Math.ceil(messages / 20) : messages)) {
        const content = `${place} of ${name}`;
        const message = sample(`${name}.${place}`, { planId, agentName: name, content });
        const { messageId } = message;
        const submission = history.submit(name, { planId, messageId, agentName: name, content });
        const [outcome] = await random.pick(writers).append([message]);
        submission.acknowledged(outcome?.message.sequence);
      }
    }),
  ).finally(() => {
    writing = false;
  });
  const read = oneTo(3).map(async (number) => {
    const watched = history.watch(`reader ${number}`, planId, 0);
    for (let wroteBefore = true; wroteBefore; ) {
      wroteBefore = writing;
      for (let more = true; more; ) {
        const page = await reader.read(planId, { ...logStart, sequence: watched.sequence }, 100);
        for (const message of page.messages) watched.saw(toAgentMessage(message));
        ({ more } = page);
      }
    }
    watched.stayedToTheEnd();
  });
  await Promise.all([written, ...read]);
  const rows = await Array.fromAsync(readAll(reader, planId));
  const database: ReadMessage[] = rows.map((row) => toAgentMessage(row));
  return { violations: history.violations(database), stored: rows.length };
}
