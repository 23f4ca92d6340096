import { IndelibleError } from '../protocol/errors.ts';
import type { PreparedMessage } from '../protocol/message.ts';
import { type Clock, systemClock } from '../resilience/clock.ts';

/** What a store can do to a call. */
export type Fault =
  | 'none'
  /** `store_unavailable`, and nothing was done. */
  | 'unavailable'
  /** `store_refused`, and nothing was done. */
  | 'refused'
  /** Everything was done, and the answer is `store_unavailable`: a connection that broke after the commit. */
  | 'answer_lost'
  /** Nothing happens until {@link Faults.heal}, then the call is done and answered: a black hole. */
  | 'hang'
  /** Done at once, and answered only after {@link Faults.heal}. */
  | 'answer_hangs';

export interface StoreCall {
  /**
   * `append`, `update`, `find`, `read` (as messages or as text), `heads` of the log; `plans.create` and so on of the plan
   * records, of `runs`, of `drafts` and of `readPositions`.
   */
  readonly name: string;
  /** The messages it writes. */
  readonly messages: readonly PreparedMessage[];
}

/**
 * What goes wrong with a store wrapped by `withFaults`. At first nothing does. What is asked for here is in force for
 * calls made from then on, until {@link heal}.
 */
export class Faults {
  readonly #clock: Clock;
  readonly #poisoned = new Set<string>();
  readonly #hanging: (() => void)[] = [];
  #fault: Fault = 'none';
  #delayMs = 0;
  #answersToLose = 0;

  /** Asked before each call, for schedules of one's own; it may take its time. Whatever is not `none` is done. */
  script: ((call: StoreCall) => Fault | Promise<Fault>) | undefined;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** All calls answer `store_unavailable`, as if the database were stopped. */
  refuse(): void {
    this.#fault = 'unavailable';
  }

  /** All calls hang. */
  hang(): void {
    this.#fault = 'hang';
  }

  /** All calls take `delayMs` longer. */
  delay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** The next `count` calls that write are done, and answer `store_unavailable`. */
  loseAnswers(count = 1): void {
    this.#answersToLose = count;
  }

  /** The store refuses, with `store_refused`, whatever writes one of these message ids. Outlives {@link heal}. */
  poison(...messageIds: readonly string[]): void {
    for (const messageId of messageIds) this.#poisoned.add(messageId);
  }

  /** From now on nothing goes wrong but poison; what hangs goes on. */
  heal(): void {
    this.#fault = 'none';
    this.#delayMs = 0;
    this.#answersToLose = 0;
    this.script = undefined;
    for (const release of this.#hanging.splice(0)) release();
  }

  /** Does `action` the way the faults want it. */
  async suffer<T>(call: StoreCall, action: () => Promise<T>): Promise<T> {
    const fault = await this.#next(call);
    if (this.#delayMs > 0) await new Promise<void>((resolve) => this.#clock.schedule(this.#delayMs, resolve));
    if (fault === 'hang') await this.#untilHealed();
    if (fault === 'unavailable') throw new IndelibleError('store_unavailable', { message: `${call.name}: injected` });
    if (fault === 'refused' || call.messages.some(({ messageId }) => this.#poisoned.has(messageId))) {
      throw new IndelibleError('store_refused', { message: `${call.name}: injected` });
    }
    // From now on, for `heal` may come while it is being done.
    const healed = fault === 'answer_hangs' ? this.#untilHealed() : undefined;
    const answer = await action();
    await healed;
    if (fault === 'answer_lost')
      throw new IndelibleError('store_unavailable', { message: `${call.name}: answer lost` });
    return answer;
  }

  async #next(call: StoreCall): Promise<Fault> {
    const scripted = await this.script?.(call);
    if (scripted !== undefined && scripted !== 'none') return scripted;
    if (this.#fault === 'none' && this.#answersToLose > 0 && call.messages.length > 0) {
      this.#answersToLose--;
      return 'answer_lost';
    }
    return this.#fault;
  }

  #untilHealed(): Promise<void> {
    return new Promise((resolve) => this.#hanging.push(resolve));
  }
}
