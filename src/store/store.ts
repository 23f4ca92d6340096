import type { MessageLog } from './messageLog.ts';
import type { PlanRecords } from './planRecords.ts';
import type { ReadPositions } from './readPositions.ts';

/** A database: the log, and the plans it is a log of. */
export interface Store {
  /** What it is and where, without secrets: `sqlite:./indelible.db`. */
  readonly description: string;
  readonly log: MessageLog;
  readonly plans: PlanRecords;
  readonly readPositions?: ReadPositions;
  /** Waits for what is being written, then closes. Safe to call twice. */
  close(): Promise<void>;
}
