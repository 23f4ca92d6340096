import type { PlanGap, PlanMessage } from './planMessage.ts';

/** What became of a message or a gap that was given to a {@link MessageRun}. */
export type Taken =
  /** It continued the run. */
  | 'added'
  /** It is a newer version of one that the run holds. */
  | 'replaced'
  /** Nothing new. */
  | 'known'
  /** It fits no run of this history: a place was left out, or is taken by another message. */
  | 'misfit';

/**
 * A plan's stored messages, as far as they are known: from the first on, in order, each once, without a place that is
 * neither held nor told to be missing. Whatever is given to it, twice or late, that stays so.
 *
 * What would break it: taking a message for known by its place alone. A database that was put back from a backup has
 * other messages in the same places; they are found by their ids.
 */
export class MessageRun {
  readonly #messages: PlanMessage[] = [];
  readonly #gaps: PlanGap[] = [];
  readonly #ids = new Set<string>();
  #last = 0;
  #shown = 0;

  get messages(): readonly PlanMessage[] {
    return this.#messages;
  }

  get gaps(): readonly PlanGap[] {
    return this.#gaps;
  }

  /** The sequence of the last that is held, or told to be missing. */
  get last(): number {
    return this.#last;
  }

  /** Up to where the log was shown, this time: what is held behind that was shown before the connection was lost. */
  get shown(): number {
    return this.#shown;
  }

  has(messageId: string): boolean {
    return this.#ids.has(messageId);
  }

  /** The log is about to be shown, again, from behind this sequence. */
  showFrom(sequence: number): void {
    this.#shown = sequence;
  }

  /** All there is was shown. False: what is held goes further, so it is of another history. */
  isAllShown(): boolean {
    return this.#shown >= this.#last;
  }

  take(message: PlanMessage): Taken {
    const { sequence } = message;
    const isNext = sequence === this.#shown + 1;
    if (isNext) this.#shown++;
    if (sequence > this.#last) return sequence === this.#last + 1 ? this.#add(message) : 'misfit';
    const index = this.indexOf(sequence);
    const held = this.#messages[index];
    // What was taken out of the log does not come back; an update of it may have been on its way.
    if (held?.sequence !== sequence) return isNext ? 'misfit' : 'known';
    if (held.messageId !== message.messageId) return 'misfit';
    // What is shown again is how it is now; else a lower version is one that came late.
    if (isNext ? message.version === held.version : message.version <= held.version) return 'known';
    this.#messages[index] = message;
    return 'replaced';
  }

  /** The messages `from` to `to` cannot be had. Those of them that are held already stay. */
  miss(from: number, to: number): Taken {
    if (from > this.#last + 1) return 'misfit';
    if (from <= this.#shown + 1) this.#shown = Math.max(this.#shown, to);
    if (to <= this.#last) return 'known';
    this.#gaps.push({ type: 'gap', from: this.#last + 1, to });
    this.#last = to;
    return 'added';
  }

  /** Where in `messages` the first one stands that has this sequence or a later one. */
  indexOf(sequence: number): number {
    let low = 0;
    let high = this.#messages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#messages[middle]?.sequence ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #add(message: PlanMessage): Taken {
    if (this.#ids.has(message.messageId)) return 'misfit';
    this.#ids.add(message.messageId);
    this.#messages.push(message);
    this.#last++;
    return 'added';
  }
}
