import { Worker } from 'node:worker_threads';
import type { SaveResult } from '../src/persistence/saveResult.ts';
import type { NewMessage } from '../src/protocol/message.ts';
import type { ArrivalOptions } from './arrivals.ts';
import { monotonicMs } from './monotonic.ts';
import type { Workload } from './workload.ts';

/** A machine that is slow for a moment is to be measured, not refused: a save that is late would be answered "pending". */
export const deadlineMs = 60_000;

/** What is saved to. */
export type Save = (message: NewMessage) => Promise<SaveResult>;

/** What a load did: its messages, when each arrived and when its save was answered, and how long all of it took. */
export interface Loaded {
  readonly messageIds: string[];
  readonly arrivedAt: number[];
  readonly storedAt: number[];
  tookMs: number;
}

export type Load = (save: Save, workload: Workload) => Promise<Loaded>;

/** So many who save at once, each its next message when the last one is answered: as fast as it goes. */
export function savers(count: number, seconds: number): Load {
  return async (save, workload) => {
    const loaded: Loaded = { messageIds: [], arrivedAt: [], storedAt: [], tookMs: 0 };
    const start = monotonicMs();
    let made = 0;
    const saver = async () => {
      for (let now = start; now < start + seconds * 1000; ) {
        note(loaded, await save(workload.message(made++)), now);
        now = monotonicMs();
      }
    };
    await Promise.all(Array.from({ length: count }, saver));
    loaded.tookMs = monotonicMs() - start;
    return loaded;
  };
}

/** Messages that come at their own pace, whether the ones before are stored or not. See arrivals.ts. */
export function arriving(perSecond: number, seconds: number): Load {
  return async (save, workload) => {
    const loaded: Loaded = { messageIds: [], arrivedAt: [], storedAt: [], tookMs: 0 };
    const pending: Promise<void>[] = [];
    const workerData: ArrivalOptions = { perSecond, seconds };
    const worker = new Worker(new URL('./arrivals.ts', import.meta.url), { workerData });
    const ended = new Promise<void>((resolve, reject) => {
      worker.on('error', reject);
      worker.on('exit', () => resolve());
    });
    worker.on('message', (arrivedAt: number) => {
      const saved = save(workload.message(pending.length));
      pending.push(saved.then((result) => note(loaded, result, arrivedAt)));
    });
    await ended;
    await Promise.all(pending);
    loaded.tookMs = monotonicMs() - (loaded.arrivedAt[0] ?? 0);
    return loaded;
  };
}

function note({ messageIds, arrivedAt, storedAt }: Loaded, result: SaveResult, arrived: number): void {
  if (result.status !== 'stored') throw new Error(`a save was answered ${result.status}`);
  messageIds.push(result.message.messageId);
  arrivedAt.push(arrived);
  storedAt.push(monotonicMs());
}

/** From arrival to answer, in ms, message by message. */
export function waits({ arrivedAt, storedAt }: Loaded): number[] {
  return storedAt.map((stored, index) => stored - (arrivedAt[index] ?? Number.NaN));
}
