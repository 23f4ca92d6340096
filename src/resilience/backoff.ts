import { ExponentialBackoff, type IBackoff } from 'cockatiel';

export interface BackoffOptions {
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
}

export const defaultBackoff: BackoffOptions = { initialDelayMs: 20, maxDelayMs: 2_000 };

/** Growing, jittered delays between tries (decorrelated jitter), in ms: so that many who wait do not come back at once. */
export class Backoff {
  readonly #factory: ExponentialBackoff<[number, number]>;
  #state: IBackoff<unknown> | undefined;

  constructor(options: BackoffOptions = defaultBackoff) {
    this.#factory = new ExponentialBackoff({ initialDelay: options.initialDelayMs, maxDelay: options.maxDelayMs });
  }

  /** The delay before the next try, in ms. */
  next(): number {
    this.#state = this.#state === undefined ? this.#factory.next() : this.#state.next(undefined);
    return Math.max(1, Math.round(this.#state.duration));
  }

  reset(): void {
    this.#state = undefined;
  }
}
