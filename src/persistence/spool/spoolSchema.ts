import type { DatabaseSync } from 'node:sqlite';
import { IndelibleError } from '../../protocol/errors.ts';

/** "IndS": marks the file as a spool, so that no other database is taken for one. */
const applicationId = 0x496e6453;
const version = 1;

/**
 * Forward only. `waiting` holds what the database is to get, `aside` what it is not to get as it is; a record that moves
 * keeps its id. `aside` takes any value: a damaged record is kept as what it is.
 *
 * `state` is one row. `last_id` is the last id given out, so that ids ascend although rows go. `owner_writes` and
 * `operator_writes` count the transactions of either, by which the owner knows whether its counts still hold, and
 * whether a commit that was reported as failed is there after all.
 */
const schema = `
  CREATE TABLE waiting (
    id INTEGER PRIMARY KEY,
    plan_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    size INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE TABLE aside (
    id INTEGER PRIMARY KEY,
    plan_id ANY,
    message_id ANY,
    accepted_at ANY,
    checksum ANY,
    size INTEGER NOT NULL,
    error_code TEXT NOT NULL,
    error_text TEXT NOT NULL,
    aside_at INTEGER NOT NULL,
    body ANY
  ) STRICT;
  CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last_id INTEGER NOT NULL,
    owner_writes INTEGER NOT NULL,
    operator_writes INTEGER NOT NULL
  ) STRICT;
  INSERT INTO state VALUES (1, 0, 0, 0);
`;

/**
 * Makes the tables in a new file; in any other only looks.
 *
 * @throws IndelibleError `schema_too_new`; `spool_unavailable` for a file that is no spool
 */
export function prepareSchema(db: DatabaseSync, path: string): void {
  if (isEmpty(db)) makeTables(db);
  if (pragma(db, 'application_id') !== applicationId) {
    throw new IndelibleError('spool_unavailable', { message: `${path} is another database, not a spool` });
  }
  const found = pragma(db, 'user_version');
  if (found <= version) return;
  const message = `the spool ${path} has schema version ${found}, this version of Indelible knows ${version}`;
  throw new IndelibleError('schema_too_new', { message });
}

/** Several may find the same new file: one of them makes the tables. */
function makeTables(db: DatabaseSync): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    if (isEmpty(db)) {
      db.exec(`${schema} PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version};`);
    }
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function isEmpty(db: DatabaseSync): boolean {
  return Number(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n']) === 0;
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}
