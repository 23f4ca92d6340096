/** A server process of bench/processes.ts: agents save in it, as in `indelible serve`, to a database it shares. */
import { type Indelible, openIndelible } from '../src/agents/indelible.ts';
import { openPostgresStore } from '../src/store/postgres/index.ts';
import { deadlineMs, savers } from './loads.ts';
import { withoutHints } from './postgres/withoutHints.ts';
import { Workload } from './workload.ts';

export type SaverQuestion =
  | { readonly ask: 'open'; readonly url: string; readonly notify: boolean }
  /** Saves to 100 plans whose ids begin with `prefix`. */
  | { readonly ask: 'save'; readonly prefix: string; readonly callers: number; readonly seconds: number }
  | { readonly ask: 'close' };

export interface SaverAnswer {
  readonly messages: number;
  readonly tookMs: number;
  /** µs of this process. */
  readonly cpu: number;
}

const nothing: SaverAnswer = { messages: 0, tookMs: 0, cpu: 0 };
let log: Indelible | undefined;

async function answer(question: SaverQuestion): Promise<SaverAnswer> {
  if (question.ask === 'open') {
    const { url, notify } = question;
    const store = notify ? url : await openPostgresStore(url, { wake: withoutHints });
    log = await openIndelible({ store, persistence: { deadlineMs } });
  }
  if (question.ask === 'close') await log?.close();
  if (question.ask !== 'save' || log === undefined) return nothing;
  const { prefix, callers, seconds } = question;
  const opened = log;
  const cpu = process.cpuUsage();
  const { messageIds, tookMs } = await savers(callers, seconds)(
    (message) => opened.save({ ...message, planId: `${prefix}-${message.planId}` }),
    new Workload(100),
  );
  const { user, system } = process.cpuUsage(cpu);
  return { messages: messageIds.length, tookMs, cpu: user + system };
}

process.on('message', async (question: SaverQuestion) => {
  process.send?.(await answer(question));
});
