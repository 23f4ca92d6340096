import type { Scheduler } from 'fast-check';
import type { Clock } from '../../src/resilience/clock.ts';

/** Timers that come due in whatever order the scheduler likes: what holds under it depends on no duration. */
export class SchedulerClock implements Clock {
  readonly #scheduler: Scheduler;
  #time = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  now(): number {
    return Date.parse('2026-11-25T10:00:00.000Z') + this.#time;
  }

  monotonic(): number {
    return this.#time;
  }

  schedule(delayMs: number, action: () => void, kind?: 'background'): () => void {
    let cancelled = false;
    const dueAt = this.#time + delayMs;
    // What looks again and again would keep a schedule from ever ending.
    if (kind === 'background' && delayMs >= 1_000) return () => {};
    void this.#scheduler.schedule(Promise.resolve(), `timer ${Math.round(delayMs)}`).then(() => {
      if (cancelled) return;
      this.#time = Math.max(this.#time, dueAt);
      action();
    });
    return () => {
      cancelled = true;
    };
  }
}
