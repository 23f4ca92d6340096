import type { CommitListener, PlanCommit } from './messageLog.ts';
import type { RecordHint, RecordListener } from './recordHint.ts';

/**
 * Tells processes that share a database of each other's commits. Only ever a hint: one that is lost, late, forged or
 * told twice makes a reader look later or for nothing, and nothing else. It carries plans and heads, never content.
 */
export interface Wake {
  /** The database tells of a commit itself, within its transaction; {@link announce} then does nothing. */
  readonly inTransaction: boolean;
  /** Tells the others. Never throws, never waits. */
  announce(commits: readonly PlanCommit[]): void;
  /** The same of drafts and read positions. Left out: others hear of them when they read. */
  announceRecords?(hints: readonly RecordHint[]): void;
  /**
   * Calls `listener` for hints of commits and `records` for those of records, also for those of this process; with
   * `unknown` whenever some may have been missed. The answer ends it.
   */
  listen(listener: CommitListener, records: RecordListener): () => void;
  close(): Promise<void>;
}
