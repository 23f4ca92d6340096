import type { IndelibleError } from '../../protocol/errors.ts';
import { Backoff } from '../../resilience/backoff.ts';
import type { Clock } from '../../resilience/clock.ts';

/** How long nothing may succeed before it is called a failure, in ms. */
const patienceMs = 60_000;

/** Told when the target is away and tried again, and when it is back. */
export interface Outage {
  away(error: IndelibleError): void;
  back(): void;
}

/** Thrown by an action that may succeed later. */
export class Away extends Error {
  readonly error: IndelibleError;

  constructor(error: IndelibleError) {
    super(error.message, { cause: error });
    this.error = error;
  }
}

/**
 * Tries again what may succeed later, with growing pauses, until nothing at all succeeded for {@link patienceMs}. Shared
 * by all that go to one target: one that succeeds is hope for the others.
 */
export class Patience {
  readonly #clock: Clock;
  readonly #outage: Outage;
  readonly #stop: AbortSignal;
  #awaySince: number | undefined;

  constructor(clock: Clock, outage: Outage, stop: AbortSignal) {
    this.#clock = clock;
    this.#outage = outage;
    this.#stop = stop;
  }

  /** What `action` answers. Rejects with its error if that is final, if patience ends, or when stopped. */
  async until<T>(action: () => Promise<T>): Promise<T> {
    const backoff = new Backoff({ initialDelayMs: 20, maxDelayMs: 1_000 });
    for (;;) {
      try {
        const answer = await action();
        this.#isBack();
        return answer;
      } catch (failure) {
        if (!(failure instanceof Away)) throw failure;
        this.#isAway(failure.error);
        await this.#pause(backoff.next(), failure.error);
      }
    }
  }

  #isAway(error: IndelibleError): void {
    const now = this.#clock.monotonic();
    if (this.#awaySince === undefined) {
      this.#awaySince = now;
      this.#outage.away(error);
    } else if (now - this.#awaySince > patienceMs) throw error;
  }

  #isBack(): void {
    if (this.#awaySince === undefined) return;
    this.#awaySince = undefined;
    this.#outage.back();
  }

  #pause(delayMs: number, error: IndelibleError): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        cancel();
        reject(error);
      };
      const cancel = this.#clock.schedule(delayMs, () => {
        this.#stop.removeEventListener('abort', stop);
        resolve();
      });
      if (this.#stop.aborted) stop();
      else this.#stop.addEventListener('abort', stop, { once: true });
    });
  }
}
