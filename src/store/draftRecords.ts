import type { Draft } from '../protocol/draft.ts';

/**
 * Answers that are being written, kept beside the log: no sequence, no revision, no part in any cursor. At most one row a
 * draft id and plan. A draft makes no plan. Text and names are kept exactly, as message bodies are.
 *
 * Errors as those of the log.
 */
export interface DraftRecords {
  /**
   * Writes drafts whole, replacing what was there of each; all of them or none, in one round trip. Each draft once. They
   * count as touched at their `updatedAt`. Tells other processes, see `Store.onRecordChange`.
   */
  put(drafts: readonly OwnedDraft[]): Promise<void>;
  /** Keeps the owner's drafts from being taken for abandoned. `at`: ISO 8601, UTC, `Z`. */
  touch(owner: string, at: string): Promise<void>;
  /** The answers were finished and stored, or given up. Those that are not there: no effect. Tells other processes. */
  remove(drafts: readonly DraftKey[]): Promise<void>;
  /**
   * The drafts of these plans; of each plan the oldest first. One whose message is in the log is none any more and is
   * left out: of the two, a reader never sees both.
   */
  ofPlans(planIds: readonly string[]): Promise<readonly Draft[]>;
  /** Drafts that were last touched before `before` (ISO 8601), the longest untouched first, at most `limit`. */
  abandoned(before: string, limit: number): Promise<readonly DraftTouch[]>;
}

export interface DraftKey {
  readonly planId: string;
  readonly draftId: string;
}

export interface OwnedDraft extends Draft {
  /** The process that writes it. */
  readonly owner: string;
}

/** When a draft was touched, by the clock of its owner. */
export interface DraftTouch extends DraftKey {
  readonly owner: string;
  readonly touchedAt: string;
}
