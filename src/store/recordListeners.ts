import type { RecordListener } from './recordHint.ts';

/** Those who want to hear of drafts and read positions. What one of them throws is no matter to the others. */
export class RecordListeners {
  readonly #listeners = new Set<RecordListener>();

  get size(): number {
    return this.#listeners.size;
  }

  add(listener: RecordListener): () => void {
    // One of its own for each subscription: the same function may subscribe twice.
    const told: RecordListener = (hints) => {
      try {
        listener(hints);
      } catch {
        // What was hinted at stands. A hint that is lost only delays.
      }
    };
    this.#listeners.add(told);
    return () => this.#listeners.delete(told);
  }

  readonly tell: RecordListener = (hints) => {
    if (hints.length === 0) return;
    for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) listener(hints);
  };
}
