import { ConsecutiveBreaker } from 'cockatiel';
import { Backoff, type BackoffOptions } from './backoff.ts';
import type { Clock } from './clock.ts';

/**
 * `closed`: all is well, calls are made. `open`: calls fail, none is made until a pause is over. `half_open`: the pause is
 * over, one call may find out.
 */
export type BreakerState = 'closed' | 'open' | 'half_open';

export interface BreakerOptions {
  readonly clock: Clock;
  /** So many failures one after the other open it. Default 5. */
  readonly failures?: number;
  /** How long it stays open before it lets a probe through: growing and jittered, so that processes do not come together. */
  readonly backoff?: BackoffOptions;
  /** Told of each change, with the failure that opened it. */
  readonly changed: (state: BreakerState, error: unknown) => void;
}

/** Leave to make one call. Say how it went, once. */
export interface Permit {
  /** It was answered, whatever the answer: whoever answers is there. */
  succeeded(): void;
  /** It was not answered. `timedOut`: not within its time, which is evidence enough to open at once. */
  failed(error: unknown, timedOut: boolean): void;
}

export const defaultBreakerBackoff: BackoffOptions = { initialDelayMs: 200, maxDelayMs: 2_000 };

/**
 * A circuit breaker around calls to something that may be away. Only failures to reach it count: a call that was
 * answered with a no was answered.
 *
 * While it is half open one call is out, however many ask. What comes late of an older call does not decide a probe: a
 * failure of it says nothing new, a success says that the other side is there.
 *
 * When to open is cockatiel's consecutive breaker, how long to stay open its backoff; its policy is not used, because it
 * has its own clock and lets all who wait through behind the first.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  readonly #breaker: ConsecutiveBreaker;
  readonly #backoff: Backoff;
  #state: BreakerState = 'closed';
  #probe: Permit | undefined;
  #endPause: (() => void) | undefined;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#breaker = new ConsecutiveBreaker(options.failures ?? 5);
    this.#backoff = new Backoff(options.backoff ?? defaultBreakerBackoff);
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Whether {@link admit} would let a call through. */
  get admits(): boolean {
    return this.#state === 'closed' || (this.#state === 'half_open' && this.#probe === undefined);
  }

  /** Leave to make a call now, or undefined: none is to be made. */
  admit(): Permit | undefined {
    if (!this.admits) return undefined;
    const permit: Permit = {
      succeeded: () => this.#succeeded(),
      failed: (error, timedOut) => this.#failed(permit, error, timedOut),
    };
    if (this.#state === 'half_open') this.#probe = permit;
    return permit;
  }

  /** Ends its timer. */
  end(): void {
    this.#endPause?.();
    this.#endPause = undefined;
  }

  #succeeded(): void {
    this.#breaker.success();
    if (this.#state === 'closed') return;
    this.end();
    this.#backoff.reset();
    this.#become('closed', undefined);
  }

  #failed(permit: Permit, error: unknown, timedOut: boolean): void {
    if (this.#state === 'closed') {
      const tooMany = this.#breaker.failure();
      if (tooMany || timedOut) this.#open(error);
    } else if (this.#probe === permit) this.#open(error);
  }

  #open(error: unknown): void {
    const { clock } = this.#options;
    const halfOpen = () => {
      this.#endPause = undefined;
      this.#become('half_open', undefined);
    };
    this.#endPause = clock.schedule(this.#backoff.next(), halfOpen);
    this.#become('open', error);
  }

  #become(state: BreakerState, error: unknown): void {
    this.#state = state;
    this.#probe = undefined;
    this.#options.changed(state, error);
  }
}
