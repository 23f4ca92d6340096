import type { Clock } from '../resilience/clock.ts';
import type { QueuedSave } from './queuedSave.ts';

export interface DeadlineOptions {
  readonly clock: Clock;
  /** How long a save may go without an answer now, in ms. May change: call {@link Deadline.rearm} then. */
  readonly limitMs: () => number;
  /** Some saves are late: answers those who can be answered better than with `answerLate`. */
  readonly late: () => void;
  readonly answerLate: (save: QueuedSave) => void;
}

/**
 * Every save is answered in its time. One timer for all: the limit is the same for all, so the oldest without an answer is
 * the first to be late. None runs while nothing waits.
 */
export class Deadline {
  readonly #options: DeadlineOptions;
  /** In the order of their arrival; those before `#start` are answered. */
  #saves: QueuedSave[] = [];
  #start = 0;
  #cancel: (() => void) | undefined;

  constructor(options: DeadlineOptions) {
    this.#options = options;
  }

  watch(save: QueuedSave): void {
    this.#saves.push(save);
    this.arm();
  }

  /** Sees to it that the oldest has a timer; call now and then, to let go of what was answered. */
  arm(): void {
    const { clock, limitMs } = this.#options;
    const oldest = this.#oldest();
    if (oldest === undefined) this.end();
    if (oldest === undefined || this.#cancel !== undefined) return;
    const delayMs = Math.max(1, oldest.acceptedAt + limitMs() - clock.monotonic());
    this.#cancel = clock.schedule(delayMs, () => {
      this.#cancel = undefined;
      this.#look();
      this.arm();
    });
  }

  /** The limit has changed. */
  rearm(): void {
    this.end();
    this.arm();
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #look(): void {
    const { clock, limitMs, late, answerLate } = this.#options;
    const lateSince = clock.monotonic() - limitMs();
    const isLate = (save: QueuedSave | undefined) => save !== undefined && save.acceptedAt <= lateSince;
    if (!isLate(this.#oldest())) return;
    late();
    for (let save = this.#oldest(); save !== undefined && isLate(save); save = this.#oldest()) {
      answerLate(save);
      save.answered = true;
    }
  }

  /** Of those without an answer. O(1), all calls together. */
  #oldest(): QueuedSave | undefined {
    while (this.#saves[this.#start]?.answered) this.#start++;
    if (this.#start === this.#saves.length || (this.#start > 1_024 && this.#start * 2 > this.#saves.length)) {
      this.#saves = this.#saves.slice(this.#start);
      this.#start = 0;
    }
    return this.#saves[this.#start];
  }
}
