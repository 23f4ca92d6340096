import type { Clock } from '../../src/resilience/clock.ts';

/** Time that passes only when a test says so. */
export class ManualClock implements Clock {
  #time = 0;
  /** What `now` says, apart from the time that passes: clocks of machines may jump. */
  wallClock = Date.parse('2026-11-23T10:00:00.000Z');
  readonly #due = new Set<{ readonly at: number; readonly action: () => void }>();

  now(): number {
    return this.wallClock;
  }

  monotonic(): number {
    return this.#time;
  }

  schedule(delayMs: number, action: () => void): () => void {
    const entry = { at: this.#time + delayMs, action };
    this.#due.add(entry);
    return () => this.#due.delete(entry);
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#due.size;
  }

  /** Lets `ms` pass: each timer that becomes due runs at its time, and what it sets off goes on before the next. */
  async pass(ms: number): Promise<void> {
    await settle();
    const until = this.#time + ms;
    for (;;) {
      const [next] = [...this.#due].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at);
      if (next === undefined) break;
      this.#due.delete(next);
      this.#time = Math.max(this.#time, next.at);
      next.action();
      await settle();
    }
    this.#time = until;
  }
}

/** Lets go on whatever can go on without time passing. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}
