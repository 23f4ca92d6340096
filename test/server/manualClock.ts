import type { Clock } from '../../src/resilience/clock.ts';

interface Timer {
  readonly delayMs: number;
  readonly action: () => void;
}

/** A clock whose timers of one length run when the test says so, each once; all others run as always. */
export class ManualClock implements Clock {
  readonly #delayMs: number;
  readonly #timers = new Set<Timer>();

  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  now = () => Date.now();
  monotonic = () => performance.now();

  schedule(delayMs: number, action: () => void): () => void {
    if (delayMs !== this.#delayMs) {
      const timeout = setTimeout(action, delayMs);
      return () => clearTimeout(timeout);
    }
    const timer = { delayMs, action };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get waiting(): number {
    return this.#timers.size;
  }

  run(): void {
    for (const timer of [...this.#timers]) {
      this.#timers.delete(timer);
      timer.action();
    }
  }
}
