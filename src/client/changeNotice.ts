import type { Clock } from '../resilience/clock.ts';

/** No listener is called more often than the screen is drawn. */
const frameMs = 16;

/**
 * Tells listeners that something has changed: the first change at once (in a microtask), further ones together, at most
 * once in {@link frameMs}. So a plan of ten thousand messages that is being caught up is drawn some times, not ten
 * thousand times; and the listeners of one change see all that came with it.
 */
export class ChangeNotice {
  readonly #listeners = new Set<() => void>();
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  #isDue = false;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, failed: (error: unknown) => void) {
    this.#clock = clock;
    this.#failed = failed;
  }

  subscribe(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  changed(): void {
    if (this.#isDue || this.#listeners.size === 0) return;
    this.#isDue = true;
    const waitMs = this.#toldAt + frameMs - this.#clock.monotonic();
    if (waitMs > 0) this.#clock.schedule(waitMs, () => this.#tell());
    else queueMicrotask(() => this.#tell());
  }

  #tell(): void {
    this.#isDue = false;
    this.#toldAt = this.#clock.monotonic();
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        this.#failed(error);
      }
    }
  }
}
