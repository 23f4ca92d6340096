import { type Clock, systemClock } from '../resilience/clock.ts';

const hourMs = 3_600_000;

export interface JumpingClockOptions {
  /** What it deviates from. Default: the system's. */
  readonly clock?: Clock;
  /** Numbers from 0 to 1. If given, every reading is anywhere within an hour of the truth, on either side. */
  readonly random?: () => number;
}

/**
 * A clock whose time of day is set forth and back while everything runs, as administrators, NTP and resumed machines
 * do it. Durations and timers go on unmoved: whatever depends on `now()` for more than data shows itself.
 */
export class JumpingClock implements Clock {
  readonly #clock: Clock;
  readonly #random: (() => number) | undefined;
  #offsetMs = 0;

  constructor({ clock = systemClock, random }: JumpingClockOptions = {}) {
    this.#clock = clock;
    this.#random = random;
  }

  /** How far it is from the truth, in ms. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Sets the time of day on, or back by a negative number. Default: an hour on. */
  jump(byMs = hourMs): void {
    this.#offsetMs += byMs;
  }

  now(): number {
    if (this.#random !== undefined) this.#offsetMs = Math.round((this.#random() * 2 - 1) * hourMs);
    return this.#clock.now() + this.#offsetMs;
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  schedule(delayMs: number, action: () => void, kind?: 'background'): () => void {
    return this.#clock.schedule(delayMs, action, kind);
  }
}
