/**
 * The thread of bench/frames.ts where messages come from: at random moments (a Poisson process, the same one each time),
 * it posts the moment, as an answer of a model would arrive from outside. What waits because the event loop is busy has
 * been waiting since that moment: a loop that stalls cannot hide its own delay.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs } from './monotonic.ts';

export interface ArrivalOptions {
  readonly perSecond: number;
  readonly seconds: number;
}

const { perSecond, seconds } = workerData as ArrivalOptions;
const gate = new Int32Array(new SharedArrayBuffer(4));
let seed = 4711;

/** mulberry32: 0 to below 1. https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function random(): number {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

const start = monotonicMs();
for (let due = start; due < start + seconds * 1000; due += (-Math.log(1 - random()) * 1000) / perSecond) {
  const waitMs = due - monotonicMs();
  if (waitMs > 0) Atomics.wait(gate, 0, 0, waitMs);
  parentPort?.postMessage(monotonicMs());
}
