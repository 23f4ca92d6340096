import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { IndelibleError } from '../../protocol/errors.ts';
import { recordColumns } from './record.ts';
import { prepareSchema } from './spoolSchema.ts';
import type { SpoolState } from './spoolState.ts';

/**
 * How long the owner's statements wait for the command line's lock, in ms. It blocks the thread; what the command line
 * does in one transaction takes less.
 */
const ownerBusyTimeoutMs = 100;

/**
 * One connection to the spool's file, with its statements. `synchronous=FULL` belongs to the connection,
 * not to the file, so each sets it: a commit is on disk when it returns. `fullfsync` is for macOS, where a flush is none
 * without it.
 */
export class SpoolConnection {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly insert: StatementSync;
  readonly insertAside: StatementSync;
  readonly scan: StatementSync;
  readonly every: StatementSync;
  readonly everyBackwards: StatementSync;
  readonly one: StatementSync;
  readonly first: StatementSync;
  readonly remove: StatementSync;
  readonly removeRange: StatementSync;
  readonly removeAsideRange: StatementSync;
  readonly scanAside: StatementSync;
  readonly countByPlan: StatementSync;
  readonly countAside: StatementSync;
  readonly #saveState: StatementSync;
  readonly #loadState: StatementSync;
  readonly #dataVersion: StatementSync;

  constructor(path: string, busyTimeoutMs = ownerBusyTimeoutMs) {
    this.#path = path;
    const db = new DatabaseSync(path);
    this.#db = db;
    try {
      db.exec(`
        PRAGMA busy_timeout = ${busyTimeoutMs};
        PRAGMA page_size = 4096;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA fullfsync = ON;
        PRAGMA cache_size = -8192;
        PRAGMA cell_size_check = ON;
        PRAGMA trusted_schema = OFF;
      `);
      prepareSchema(db, path);
      this.insert = db.prepare(
        'INSERT INTO waiting (id, plan_id, message_id, accepted_at, checksum, size, body) VALUES (?, ?, ?, ?, ?, ?, ?)',
      );
      this.insertAside = db.prepare('INSERT INTO aside VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
      this.scan = db.prepare(`SELECT ${recordColumns} FROM waiting WHERE rowid > ? ORDER BY rowid`);
      this.every = db.prepare(`SELECT ${recordColumns} FROM waiting`);
      this.everyBackwards = db.prepare(`SELECT ${recordColumns} FROM waiting ORDER BY rowid DESC`);
      this.one = db.prepare(`SELECT ${recordColumns} FROM waiting WHERE rowid = ?`);
      this.first = db.prepare('SELECT accepted_at + 0.0 AS accepted_at FROM waiting ORDER BY rowid LIMIT 1');
      this.remove = db.prepare('DELETE FROM waiting WHERE id = ? RETURNING plan_id, size + 0.0 AS size');
      this.removeRange = db.prepare('DELETE FROM waiting WHERE id BETWEEN ? AND ?');
      this.removeAsideRange = db.prepare('DELETE FROM aside WHERE id BETWEEN ? AND ?');
      this.scanAside = db.prepare(
        `SELECT ${recordColumns}, error_code, error_text, aside_at + 0.0 AS aside_at FROM aside ORDER BY rowid`,
      );
      this.countByPlan = db.prepare(
        'SELECT plan_id, count(*) AS count, total(size) AS size FROM waiting GROUP BY plan_id',
      );
      this.countAside = db.prepare('SELECT count(*) AS count, total(size) AS size FROM aside');
      this.#saveState = db.prepare('UPDATE state SET last_id = ?, owner_writes = ?, operator_writes = ?');
      this.#loadState = db.prepare(`
        SELECT owner_writes + 0.0 AS ownerWrites, operator_writes + 0.0 AS operatorWrites, last_id + 0.0 AS lastId,
          (SELECT max(rowid) + 0.0 FROM waiting) AS lastWaiting, (SELECT max(rowid) + 0.0 FROM aside) AS lastAside
        FROM state`);
      this.#dataVersion = db.prepare('PRAGMA data_version');
    } catch (error) {
      db.close();
      throw error;
    }
  }

  prepare(sql: string): StatementSync {
    return this.#db.prepare(sql);
  }

  /** Changes when another connection committed. */
  dataVersion(): unknown {
    return this.#dataVersion.get()?.['data_version'];
  }

  /** No id that is in use is behind `lastId`, whatever became of the row. @throws IndelibleError `spool_damaged` */
  loadState(): SpoolState {
    const row = this.#loadState.get();
    const [ownerWrites, operatorWrites, ...ids] = Object.values(row ?? {}).map((value) => value ?? 0) as number[];
    const state = { ownerWrites, operatorWrites, lastId: Math.max(...ids) };
    if (Object.values(state).every((value) => Number.isSafeInteger(value))) return state as SpoolState;
    throw new IndelibleError('spool_damaged', { message: `${this.#path}: its state cannot be read` });
  }

  saveState({ lastId, ownerWrites, operatorWrites }: SpoolState): void {
    this.#saveState.run(lastId, ownerWrites, operatorWrites);
  }

  /** Runs `action` in a transaction that holds the write lock from its start; on disk when this returns. */
  inTransaction<T>(action: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = action();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** Moves all of the WAL into the file and begins it anew. False if somebody reads or writes right now. */
  emptyWal(): boolean {
    return this.#db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] === 0;
  }

  /** Gives pages that nothing is on back to the disk, if there are at least `pages` of them. */
  shrink(pages: number): void {
    const free = Number(this.#db.prepare('PRAGMA freelist_count').get()?.['freelist_count']);
    if (free >= pages) this.#db.exec('VACUUM');
  }

  /** What is wrong with the structure of the file, in SQLite's words; undefined for a sound one. */
  damage(): string | undefined {
    const found = String(this.#db.prepare('PRAGMA quick_check(1)').get()?.['quick_check']);
    return found === 'ok' ? undefined : `${this.#path}: ${found}`;
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}
