import type { Clock } from '../resilience/clock.ts';

interface Timer {
  readonly dueAt: number;
  readonly action: () => void;
}

/** A clock that stands still: time passes, and timers run, when the test says so. */
export class ManualClock implements Clock {
  readonly #startedAt: number;
  /** In the order in which they were scheduled. */
  readonly #timers = new Set<Timer>();
  #elapsedMs = 0;

  /** `startedAt`: its time of day, in ms since 1970. */
  constructor(startedAt = 0) {
    this.#startedAt = startedAt;
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#startedAt + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  schedule(delayMs: number, action: () => void): () => void {
    const timer: Timer = { dueAt: this.#elapsedMs + Math.max(1, delayMs), action };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets `ms` pass. What becomes due runs when it is due, also what those timers schedule. */
  advance(ms: number): void {
    const end = this.#elapsedMs + ms;
    for (let next = this.#next(); next !== undefined && next.dueAt <= end; next = this.#next()) this.#run(next);
    this.#elapsedMs = end;
  }

  /** Runs what waits now, the earliest first, however long that takes. What those timers schedule waits on. */
  runAll(): void {
    const waiting = [...this.#timers].sort((one, other) => one.dueAt - other.dueAt);
    for (const timer of waiting) if (this.#timers.has(timer)) this.#run(timer);
  }

  /** Of those due at the same time, the one that was scheduled first. */
  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (next === undefined || timer.dueAt < next.dueAt) next = timer;
    return next;
  }

  #run(timer: Timer): void {
    this.#timers.delete(timer);
    this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueAt);
    timer.action();
  }
}
