import type { DraftPiece } from '../feed/draftPiece.ts';
import type { Draft } from '../protocol/draft.ts';

export interface ShownDraftsOptions {
  /** The answers that are being written, with their text so far. */
  readonly drafts: () => Promise<readonly Draft[]>;
  readonly show: (piece: DraftPiece) => void;
}

/** Pieces kept while the whole is being looked up; what is more makes it be looked up again. */
const maxHeld = 256;

/**
 * Shows a client answers that are being written from their beginning, when it comes or has missed some of their pieces.
 *
 * Guaranteed: a piece that comes while the whole is being looked up is shown behind it, and only if it reaches beyond it.
 */
export class ShownDrafts {
  readonly #options: ShownDraftsOptions;
  #held: DraftPiece[] | undefined;
  #again = false;
  #closed = false;

  constructor(options: ShownDraftsOptions) {
    this.#options = options;
  }

  /** Never rejects: what cannot be looked up now is replaced by its message later. */
  async showAll(): Promise<void> {
    this.#again = true;
    if (this.#held !== undefined) return;
    while (this.#again && !this.#closed) {
      this.#again = false;
      this.#held = [];
      const drafts = await this.#options.drafts().catch(() => []);
      const held = this.#held;
      this.#held = undefined;
      if (!this.#closed) this.#showWith(drafts, held);
    }
  }

  /** Whether the piece is shown later. */
  holds(piece: DraftPiece): boolean {
    if (this.#held === undefined) return false;
    if (this.#held.length < maxHeld) this.#held.push(piece);
    else this.#again = true;
    return true;
  }

  close(): void {
    this.#closed = true;
  }

  #showWith(drafts: readonly Draft[], held: readonly DraftPiece[]): void {
    const lengths = new Map(drafts.map(({ draftId, text }) => [draftId, text.length]));
    for (const { draftId, agentName, text } of drafts) {
      this.#options.show({ draftId, agentName, offset: 0, text, done: false });
    }
    for (const piece of held) {
      const isNew = piece.offset + piece.text.length > (lengths.get(piece.draftId) ?? -1);
      if (isNew || piece.done) this.#options.show(piece);
    }
  }
}
