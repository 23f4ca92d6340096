/** An answer that is being written. */
export interface PlanDraft {
  /** The id of the message that it becomes. */
  readonly draftId: string;
  readonly agentName: string;
  /** The text so far. */
  readonly text: string;
  /** Nothing more comes; the message is about to take its place. */
  readonly done: boolean;
}

/** A piece of a draft: its text from `offset` (in UTF-16 code units) on is `text`. */
export interface DraftPiece {
  readonly draftId: string;
  readonly agentName: string;
  readonly offset: number;
  readonly text: string;
  readonly done?: boolean | undefined;
}

/**
 * The answers that are being written to a plan, put together from pieces. A draft's text never has a hole, and never is
 * made of pieces from two connections: behind a break it is taken anew from its beginning, or let go.
 */
export class Drafts {
  readonly #drafts = new Map<string, PlanDraft>();
  /** Those that were begun before the connection was lost. */
  readonly #stale = new Set<string>();

  all(): readonly PlanDraft[] {
    return [...this.#drafts.values()];
  }

  /** Whether that changed anything. */
  take({ draftId, agentName, offset, text, done = false }: DraftPiece): boolean {
    const before = offset === 0 ? '' : this.#stale.has(draftId) ? undefined : this.#drafts.get(draftId)?.text;
    if (before === undefined || offset > before.length) return false;
    this.#stale.delete(draftId);
    this.#drafts.set(draftId, { draftId, agentName, text: before.slice(0, offset) + text, done });
    return true;
  }

  /** Its message is there. Whether there was such a draft. */
  remove(draftId: string): boolean {
    this.#stale.delete(draftId);
    return this.#drafts.delete(draftId);
  }

  /** The connection was lost: what is shown stays, but nothing continues it. */
  interrupt(): void {
    for (const draftId of this.#drafts.keys()) this.#stale.add(draftId);
  }

  /** What is being written was told anew: lets go what was not among it. Whether there was such a draft. */
  settle(): boolean {
    for (const draftId of this.#stale) this.#drafts.delete(draftId);
    const any = this.#stale.size > 0;
    this.#stale.clear();
    return any;
  }
}
