import { DatabaseSync } from 'node:sqlite';
import { IndelibleError } from '../../protocol/errors.ts';
import { migrate } from './migrations.ts';
import { createPrivately } from './privateFile.ts';

/** How long a statement waits for another process's write lock, in ms. It blocks the thread, so it is short. */
const busyTimeoutMs = 20;
const busyTimeoutOnOpenMs = 5_000;

/**
 * Opens the file for the log: WAL, so that readers and the writer do not wait for each other; `synchronous=FULL`, so
 * that a commit is on disk when it returns (set on every open: it is a property of the connection, not of the file).
 * The file is made with mode 0600: messages are their owner's.
 */
export function openDatabase(path: string): DatabaseSync {
  return translateErrors(`cannot open ${path}`, () => {
    if (path !== ':memory:') createPrivately(path);
    const db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
    try {
      db.exec(`
        PRAGMA busy_timeout = ${busyTimeoutOnOpenMs};
        PRAGMA page_size = 8192;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA cache_size = -16384;
        PRAGMA trusted_schema = OFF;
      `);
      migrate(db);
      db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** SQLite result codes after which the same call may succeed later. https://www.sqlite.org/rescode.html */
const transientResults = new Set([
  5, // BUSY: another process writes
  6, // LOCKED
  10, // IOERR
  13, // FULL: no space on the disk
  14, // CANTOPEN
  15, // PROTOCOL: WAL lock race
]);

/** Runs `action`; what SQLite or the file system throws comes out with a code of ours and the original as cause. */
export function translateErrors<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw translate(what, cause);
  }
}

function translate(what: string, cause: unknown): unknown {
  if (IndelibleError.is(cause) || !(cause instanceof Error)) return cause;
  const { errcode, code } = cause as { errcode?: number; code?: string };
  if (errcode === undefined && code === undefined) return cause;
  const transient = errcode === undefined ? code === 'ENOSPC' || code === 'EIO' : transientResults.has(errcode & 0xff);
  const message = `${what}: ${cause.message}`;
  return new IndelibleError(transient ? 'store_unavailable' : 'store_refused', { message, cause });
}

/**
 * Runs `action` in a transaction that holds the write lock from its start. A failure rolls all of it back, the commit's
 * own included: nothing is acknowledged that is not on disk.
 */
export function inTransaction<T>(db: DatabaseSync, what: string, action: () => T): T {
  return translateErrors(what, () => {
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = action();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  });
}
