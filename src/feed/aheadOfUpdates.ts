import type { StoredMessage } from '../protocol/message.ts';

/** Remembered at once; an update beyond that is told once more than it need be. */
const maxAhead = 10_000;

/**
 * Messages that a reader was given as they are after an update that it has not been told of yet: a page says what the
 * log says now. When it gets to those updates, they are no news.
 */
export class AheadOfUpdates {
  /** By sequence: the revision that the reader has. */
  readonly #revisions = new Map<number, number>();

  /** A reader who is at `revision` in the order of updates is given these. */
  given(messages: readonly StoredMessage[], revision: number): void {
    for (const message of messages) {
      if (message.revision > revision && this.#revisions.size < maxAhead) {
        this.#revisions.set(message.sequence, message.revision);
      }
    }
  }

  /** The updates that are news; the same array if all are. */
  news(updates: readonly StoredMessage[]): readonly StoredMessage[] {
    if (this.#revisions.size === 0) return updates;
    const news = updates.filter(({ sequence, revision }) => revision > (this.#revisions.get(sequence) ?? 0));
    return news.length === updates.length ? updates : news;
  }

  /** The reader is at this revision now. */
  reached(revision: number): void {
    for (const [sequence, known] of this.#revisions) if (known <= revision) this.#revisions.delete(sequence);
  }

  clear(): void {
    this.#revisions.clear();
  }
}
