import type { PreparedMessage } from '../protocol/message.ts';
import type { SaveResult } from './saveResult.ts';

/** A message on its way into the log, and whom to tell. */
export interface QueuedSave {
  readonly message: PreparedMessage;
  readonly answer: (result: SaveResult) => void;
  /** Monotonic ms. */
  readonly acceptedAt: number;
  answered: boolean;
  /** Handed to the log at least once: whether it was stored may be unknown. */
  tried: boolean;
  retries: number;
}

/**
 * First in, first out, bounded in messages and in size. A save stays at the front until it is decided, also while its
 * batch is in flight, so what is refused for want of room is always the newest. Appending and taking cost O(1).
 */
export class CommitQueue {
  readonly #maxLength: number;
  readonly #maxSize: number;
  #saves: QueuedSave[] = [];
  #start = 0;
  #size = 0;
  /** Saves before this place in `#saves` have been answered. */
  #answered = 0;

  constructor(maxLength: number, maxSize: number) {
    this.#maxLength = maxLength;
    this.#maxSize = maxSize;
  }

  get length(): number {
    return this.#saves.length - this.#start;
  }

  /** False if there is no room. One message always has room. */
  push(save: QueuedSave): boolean {
    const size = this.#size + save.message.body.length;
    if (this.length > 0 && (this.length >= this.#maxLength || size > this.#maxSize)) return false;
    this.#saves.push(save);
    this.#size = size;
    return true;
  }

  /** The next saves, which stay: at most so many, and of at most that size unless the first alone is larger. */
  peek(maxLength: number, maxSize: number): readonly QueuedSave[] {
    const limit = Math.min(this.#start + maxLength, this.#saves.length);
    let end = this.#start;
    let size = 0;
    while (end < limit) {
      size += this.#saves[end]?.message.body.length ?? 0;
      if (size > maxSize && end > this.#start) break;
      end++;
    }
    return this.#saves.slice(this.#start, end);
  }

  /** The next saves, which leave. */
  take(limit: number): readonly QueuedSave[] {
    const taken = this.#saves.slice(this.#start, this.#start + limit);
    for (const save of taken) this.#size -= save.message.body.length;
    this.#start += taken.length;
    if (this.#start * 2 > this.#saves.length) this.#compact();
    return taken;
  }

  oldestUnanswered(): QueuedSave | undefined {
    this.#answered = Math.max(this.#answered, this.#start);
    while (this.#saves[this.#answered]?.answered) this.#answered++;
    return this.#saves[this.#answered];
  }

  #compact(): void {
    this.#saves = this.#saves.slice(this.#start);
    this.#answered = Math.max(0, this.#answered - this.#start);
    this.#start = 0;
  }
}
