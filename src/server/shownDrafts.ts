import type { DraftPiece } from '../feed/draftPiece.ts';
import type { Draft } from '../protocol/draft.ts';

export interface ShownDraftsOptions {
  /** The answers that are being written, with their text so far. */
  readonly drafts: () => Promise<readonly Draft[]>;
  readonly show: (piece: DraftPiece) => void;
  /** More waits for the client than may. */
  readonly isBehind: () => boolean;
  /** Resolves when there is room again, or nobody to be shown anything. */
  readonly drained: () => Promise<void>;
}

/** Pieces kept while the whole is being looked up; what is more makes it be looked up again. */
const maxHeld = 256;

/**
 * Shows a client answers that are being written from their beginning, when it comes or has missed some of their pieces.
 *
 * Guaranteed: a piece that comes while the whole is being looked up is shown behind it, and only if it reaches beyond it.
 * To a client that is behind nothing is shown; when it has room the answers that it was not shown yet are looked up anew,
 * so that none of their texts wait for it.
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
      const lengths = new Map<string, number>();
      while (!(await this.#showWhole(lengths)) && !this.#closed) await this.#options.drained();
      const held = this.#held;
      this.#held = undefined;
      if (!this.#closed) this.#showHeld(held, lengths);
    }
  }

  /** Shows those that are not in `lengths` yet, and puts them there. False if there was no room for all of them. */
  async #showWhole(lengths: Map<string, number>): Promise<boolean> {
    const { drafts, show, isBehind } = this.#options;
    const found = await drafts().catch(() => []);
    for (const { draftId, agentName, text } of found) {
      if (lengths.has(draftId)) continue;
      if (this.#closed || isBehind()) return false;
      show({ draftId, agentName, offset: 0, text, done: false });
      lengths.set(draftId, text.length);
    }
    return true;
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

  #showHeld(held: readonly DraftPiece[], lengths: ReadonlyMap<string, number>): void {
    for (const piece of held) {
      const isNew = piece.offset + piece.text.length > (lengths.get(piece.draftId) ?? -1);
      if (!isNew && !piece.done) continue;
      if (this.#options.isBehind()) {
        this.#again = true;
        return;
      }
      this.#options.show(piece);
    }
  }
}
