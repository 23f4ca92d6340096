/**
 * A process that saves through `openIndelible` until SIGTERM, and writes down what it hands over and what it is told,
 * into a file that does not share the fate of the database: see {@link ToldLine}.
 */
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Indelible } from '../../src/agents/indelible.ts';
import { openStore } from '../../src/store/openStore.ts';
import { anyText } from '../../src/testing/contract/anyContent.ts';
import { oneTo } from '../../src/testing/contract/sampleMessages.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { earlyLog } from '../cli/earlyLog.ts';
import type { ToldLine } from './told.ts';

export interface WriterOptions {
  /** What `openStore` takes. */
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

const opened = await openStore(store);
const indelible = new Indelible(early === undefined ? opened : { ...opened, log: earlyLog(opened.log, early) });
await Promise.all(planIds.flatMap((planId) => oneTo(2).map((number) => produce(planId, `${name}-${planId}${number}`))));
await indelible.close();

async function produce(planId: string, producer: string): Promise<void> {
  for (let saved = 0; !stopped; ) {
    const burst = oneTo(1 + random.below(4)).map(async () => {
      const messageId = `${producer}-${++saved}`;
      const submit = { planId, messageId, agentName: producer, content: content() };
      say({ submit, producer });
      const result = await indelible.save(submit);
      if (result.status === 'stored') say({ settled: messageId, status: 'stored', sequence: result.message.sequence });
      else {
        const { status, error, retries } = result;
        say({ settled: messageId, status, error: { code: error.code, retries } });
      }
    });
    await Promise.all(burst);
    await sleep(random.below(pauseMs));
  }
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
