import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ReadPositions, Unread } from '../readPositions.ts';
import { inTransaction, translateErrors } from './database.ts';
import type { DatabaseFile } from './databaseFile.ts';
import type { RecordChanges } from './recordChanges.ts';

/** User ids are free strings: kept as JSON text. */
export class SqliteReadPositions implements ReadPositions {
  readonly #db: DatabaseSync;
  readonly #file: DatabaseFile;
  readonly #changes: RecordChanges;
  readonly #advance: StatementSync;
  readonly #unread: StatementSync;

  constructor(db: DatabaseSync, file: DatabaseFile, changes: RecordChanges) {
    this.#db = db;
    this.#file = file;
    this.#changes = changes;
    this.#advance = db.prepare(
      `INSERT INTO read_positions (plan_id, user_id, sequence, changed)
       SELECT plan_id, ?1, max(min(?3, sequence), 0), ?4 FROM heads WHERE plan_id = ?2
       ON CONFLICT (plan_id, user_id) DO UPDATE SET
         sequence = max(sequence, excluded.sequence), changed = excluded.changed
       RETURNING sequence`,
    );
    this.#unread = db.prepare(
      `SELECT h.plan_id, min(coalesce(r.sequence, 0), h.sequence) AS read,
              h.sequence - max(min(coalesce(r.sequence, 0), h.sequence), h.trimmed) AS unread
       FROM json_each(?2) wanted JOIN heads h ON h.plan_id = wanted.value
       LEFT JOIN read_positions r ON r.plan_id = h.plan_id AND r.user_id = ?1`,
    );
  }

  async advance(userId: string, planId: string, sequence: number): Promise<number> {
    this.#file.check();
    return inTransaction(this.#db, 'cannot write the read position', () => {
      const row = this.#advance.get(JSON.stringify(userId), planId, sequence, this.#changes.next());
      return (row as { sequence: number } | undefined)?.sequence ?? 0;
    });
  }

  async unread(userId: string, planIds: readonly string[]): Promise<ReadonlyMap<string, Unread>> {
    this.#file.check();
    return translateErrors('cannot read the read positions', () => {
      const rows = this.#unread.all(JSON.stringify(userId), JSON.stringify(planIds));
      const found = new Map(
        (rows as unknown as (Unread & { plan_id: string })[]).map(({ plan_id, read, unread }) => [
          plan_id,
          { read, unread },
        ]),
      );
      return new Map(planIds.map((planId) => [planId, found.get(planId) ?? { read: 0, unread: 0 }]));
    });
  }
}
