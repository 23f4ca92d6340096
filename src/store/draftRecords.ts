import type { Draft } from '../protocol/draft.ts';

/**
 * Answers that are being written, kept beside the log: no sequence, no revision, no part in any cursor. At most one row a
 * draft id and plan. Text is kept exactly, as message bodies are.
 */
export interface DraftRecords {
  /** Writes drafts whole, replacing what was there of each. One call, one transaction, one round trip. */
  put(drafts: readonly OwnedDraft[]): Promise<void>;
  /** Keeps the owner's drafts from being taken for abandoned. */
  touch(owner: string, at: string): Promise<void>;
  /** The answers were finished and stored, or given up. Those that are not there: no effect. */
  remove(drafts: readonly { readonly planId: string; readonly draftId: string }[]): Promise<void>;
  /** A plan's drafts, oldest first. */
  ofPlan(planId: string): Promise<readonly Draft[]>;
  /** Drafts nobody has touched since `before` (ISO 8601), at most `limit`: their writer died in the middle. */
  abandoned(before: string, limit: number): Promise<readonly Draft[]>;
}

export interface OwnedDraft extends Draft {
  /** The process that writes it. */
  readonly owner: string;
}
