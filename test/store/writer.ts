/**
 * A process that writes to a SQLite file: `node writer.ts <path> <plan> <name> <count>`. Says `opened <epoch>`, then
 * before each message `submit <id>` and after it `ack <id> <sequence>`, one a line.
 */
import { writeSync } from 'node:fs';
import { IndelibleError } from '../../src/protocol/errors.ts';
import { prepareMessage } from '../../src/protocol/message.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';

const [path, planId, name, count] = process.argv.slice(2) as [string, string, string, string];
const { log } = openSqliteStore(path);
say(`opened ${log.epoch}`);
for (let index = 1; index <= Number(count); index++) {
  const messageId = `${name}-${index}`;
  const message = prepareMessage({ planId, messageId, agentName: name, content: messageId }, { now: Date.now });
  say(`submit ${messageId}`);
  say(`ack ${messageId} ${await append(message)}`);
}

async function append(message: ReturnType<typeof prepareMessage>): Promise<number> {
  for (;;) {
    try {
      const [outcome] = await log.append([message]);
      return outcome?.message.sequence ?? 0;
    } catch (error) {
      if (!IndelibleError.is(error, 'store_unavailable')) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
    }
  }
}

/** At once, also when the process is killed in the next moment. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}
