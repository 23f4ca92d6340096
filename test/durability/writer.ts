/**
 * A process that saves through `openIndelible` until SIGTERM, and writes down what it hands over and what it is told,
 * into a file that does not share the fate of the database: see {@link ToldLine}.
 */
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Indelible, openIndelible } from '../../src/agents/indelible.ts';
import { openSpool } from '../../src/persistence/spool/openSpool.ts';
import { IndelibleError } from '../../src/protocol/errors.ts';
import { type NewMessage, prepareMessage } from '../../src/protocol/message.ts';
import { openStore } from '../../src/store/openStore.ts';
import { anyText } from '../../src/testing/contract/anyContent.ts';
import { oneTo } from '../../src/testing/contract/sampleMessages.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { earlyLog } from '../cli/earlyLog.ts';
import type { ToldLine } from './told.ts';

export interface WriterOptions {
  /** What `openStore` takes; `spool:<file>`: it saves to a spool alone, as a service does while its database is away. */
  readonly store: string;
  /** The file that is written to. */
  readonly told: string;
  /** In the ids of its messages: another one for each process. */
  readonly name: string;
  readonly planIds: readonly string[];
  readonly seed: number;
  /** In characters, at most. */
  readonly contentLength: number;
  /** Between what one producer saves and what it saves next, in ms, at most. */
  readonly pauseMs: number;
  /** For a control: it acknowledges before it commits, by so many ms. */
  readonly early?: number;
}

const { store, told, name, planIds, seed, contentLength, pauseMs, early } = JSON.parse(
  process.argv[2] ?? '',
) as WriterOptions;
const file = openSync(told, 'a');
const random = new SeededRandom(seed);
let stopped = false;
process.once('SIGTERM', () => {
  stopped = true;
});

const { save, close } = store.startsWith('spool:') ? openedSpool(store.slice('spool:'.length)) : await openedLog();
await Promise.all(planIds.flatMap((planId) => oneTo(2).map((number) => produce(planId, `${name}-${planId}${number}`))));
await close();

async function produce(planId: string, producer: string): Promise<void> {
  for (let saved = 0; !stopped; ) {
    const burst = oneTo(1 + random.below(4)).map(async () => {
      const messageId = `${producer}-${++saved}`;
      const submit = { planId, messageId, agentName: producer, content: content() };
      say({ submit, producer });
      say(await save(submit));
    });
    await Promise.all(burst);
    await sleep(random.below(pauseMs));
  }
}

async function openedLog() {
  // What is asked of the database is to be answered by it, so nothing is spooled.
  const indelible = early === undefined ? await openIndelible({ store, spool: false }) : await openedEarly(early);
  return {
    async save(message: NewMessage & { readonly messageId: string }): Promise<ToldLine> {
      const settled = message.messageId;
      const result = await indelible.save(message);
      if (result.status === 'stored') return { settled, status: 'stored', sequence: result.message.sequence };
      const { status, error, retries } = result;
      return { settled, status, error: { code: error.code, retries } };
    },
    close: () => indelible.close(),
  };
}

async function openedEarly(ms: number): Promise<Indelible> {
  const opened = await openStore(store);
  return new Indelible({ ...opened, log: earlyLog(opened.log, ms) });
}

function openedSpool(path: string) {
  const spool = openSpool(path, { maxBytes: 1e9, now: Date.now });
  return {
    async save(message: NewMessage & { readonly messageId: string }): Promise<ToldLine> {
      const settled = message.messageId;
      try {
        spool.append([prepareMessage(message, { now: Date.now })]);
        return { settled, status: 'spooled' };
      } catch (error) {
        if (!IndelibleError.is(error)) throw error;
        return { settled, status: 'pending', error: { code: error.code, retries: 0 } };
      }
    },
    close: async () => spool.close(),
  };
}

/** Most are short; one in four fills pages. */
function content(): string {
  const text = anyText(random, 60);
  return random.below(4) === 0 ? text + 'x'.repeat(random.below(contentLength)) : text;
}

/** At once, also when the process is killed in the next moment. */
function say(line: ToldLine): void {
  writeSync(file, `${JSON.stringify(line)}\n`);
}
