import type { Observer } from '../observe/events.ts';

/**
 * One outage, from the moment saves stop going to the database until all that was spooled is in it. Told when it begins
 * and when it is over, once each, however often the database comes and goes between.
 */
export class Outage {
  readonly #observe: Observer;
  readonly #monotonic: () => number;
  #since: number | undefined;
  #drained = 0;
  #setAside = 0;

  constructor(observe: Observer, monotonic: () => number) {
    this.#observe = observe;
    this.#monotonic = monotonic;
  }

  began(error: unknown): void {
    if (this.#since !== undefined) return;
    this.#since = this.#monotonic();
    this.#observe({ type: 'outage_began', error });
  }

  /** A process found what another one left. */
  found(): void {
    this.#since ??= this.#monotonic();
  }

  drained(messages: number): void {
    this.#drained += messages;
  }

  setAside(): void {
    this.#setAside++;
  }

  ended(): void {
    if (this.#since === undefined) return;
    const tookMs = Math.round(this.#monotonic() - this.#since);
    this.#observe({ type: 'outage_ended', tookMs, drained: this.#drained, setAside: this.#setAside });
    this.#since = undefined;
    this.#drained = 0;
    this.#setAside = 0;
  }
}
