import type { DraftRecords } from './draftRecords.ts';
import type { MessageLog } from './messageLog.ts';
import type { PlanRecords } from './planRecords.ts';
import type { ReadPositions } from './readPositions.ts';
import type { RecordListener } from './recordHint.ts';
import type { RunRecords } from './runRecords.ts';

/** A database: the log, the plans it is a log of, and what is kept beside it. */
export interface Store {
  /** What it is and where, without secrets: `sqlite:./indelible.db`. */
  readonly description: string;
  readonly log: MessageLog;
  readonly plans: PlanRecords;
  readonly runs: RunRecords;
  readonly drafts: DraftRecords;
  readonly readPositions: ReadPositions;
  /**
   * Calls `listener` when drafts or read positions may have changed: hints of what other processes wrote, perhaps also
   * of what this one wrote. The answer ends it.
   */
  onRecordChange(listener: RecordListener): () => void;
  /** Waits for what is being written, then closes. Safe to call twice. */
  close(): Promise<void>;
}
