/**
 * A contender, in a process of its own: no other library's garbage, patches or open connections slow it down. Its first
 * argument is the URL of its adapter. Asked to measure, it opens its database, runs, and counts what is stored.
 */

import type { NewMessage } from '../../src/protocol/message.ts';
import { percentile } from '../figures.ts';
import { serverCpu } from '../postgres/serverCpu.ts';
import { Workload } from '../workload.ts';
import type { Adapter, OpenAdapter, Place } from './adapter.ts';
import { Callers, type CallersOptions } from './callers.ts';

export interface MeasureQuestion extends Place, CallersOptions {
  readonly plans: number;
}

export interface Measured {
  readonly saves: number;
  readonly p50: number;
  readonly p99: number;
  /** Of this process and of PostgreSQL together, where both can be seen. */
  readonly CPU?: number;
}

export type MeasureAnswer = { readonly measured: Measured } | { readonly failure: string };

process.on('message', (question: MeasureQuestion) => {
  measure(question).then(
    (measured) => process.send?.({ measured } satisfies MeasureAnswer),
    (error: unknown) => process.send?.({ failure: reason(error) } satisfies MeasureAnswer),
  );
});
process.on('disconnect', () => process.exit());

async function measure({ plans, ...question }: MeasureQuestion): Promise<Measured> {
  const workload = new Workload(plans);
  const adapter = await loadAdapter();
  const opened = await adapter.open(question, workload.planIds);
  try {
    const callers = new Callers(workload);
    const call = callOf(opened, question.messagesPerCall);
    const before = await callers.run({ ...question, seconds: question.seconds * 0.5 }, call);
    const usedCpu = await cpuMeter(question.url);
    const cpu = usedCpu?.() ?? Number.NaN;
    const { messages, tookMs, waits } = await callers.run(question, call);
    const used = usedCpu && !opened.servedElsewhere ? { CPU: (usedCpu() - cpu) / messages } : {};
    const stored = await opened.stored();
    if (stored !== before.messages + messages) {
      throw new Error(`${before.messages + messages} messages were acknowledged, ${stored} are stored`);
    }
    return { saves: (messages / tookMs) * 1000, p50: percentile(waits, 0.5), p99: percentile(waits, 0.99), ...used };
  } finally {
    await opened.close();
  }
}

/** In µs. */
async function cpuMeter(url: string): Promise<(() => number) | undefined> {
  const ofServer = url === '' ? undefined : await serverCpu(url);
  if (ofServer === undefined) return undefined;
  return () => {
    const { user, system } = process.cpuUsage();
    return user + system + ofServer();
  };
}

async function loadAdapter(): Promise<Adapter> {
  const { adapter } = await import(process.argv[2] as string);
  return adapter;
}

function callOf(opened: OpenAdapter, messagesPerCall: number): (messages: readonly NewMessage[]) => Promise<void> {
  if (messagesPerCall === 1) return ([message]) => opened.save(message as NewMessage);
  const { saveAll } = opened;
  if (saveAll === undefined) throw new Error('it takes one message a call');
  return (messages) => saveAll(messages);
}

/** The first line: the rest is for those who mend it, and goes to stderr with it. */
function reason(error: unknown): string {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  return String(error instanceof Error ? error.message || error.name : error).split('\n')[0] as string;
}
