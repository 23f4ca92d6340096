import type { BackoffOptions } from './backoff.ts';

/**
 * Delays between tries, in ms, each drawn from nothing up to a bound that doubles (full jitter): a thousand clients that
 * lost their server at the same moment come back spread over the whole span. Without dependencies: runs in a browser.
 */
export class FullJitter {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #tries = 0;

  /** `random` draws from 0 up to, but not, 1. */
  constructor(options: BackoffOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  /** The delay before the next try, in ms. */
  next(): number {
    const { initialDelayMs, maxDelayMs } = this.#options;
    const bound = Math.min(maxDelayMs, initialDelayMs * 2 ** this.#tries++);
    return Math.max(1, Math.round(this.#random() * bound));
  }

  reset(): void {
    this.#tries = 0;
  }
}
