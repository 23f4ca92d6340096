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
  db.exec('BEGIN IMMEDIATE');
  try {
    if (Number(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n']) === 0) {
      db.exec(`${schema} PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version};`);
    }
    checkSchema(db, path);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** @throws IndelibleError as {@link prepareSchema} */
export function checkSchema(db: DatabaseSync, path: string): void {
  const pragma = (name: string) => Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
  if (pragma('application_id') !== applicationId) {
    throw new IndelibleError('spool_unavailable', { message: `${path} is another database, not a spool` });
  }
  const found = pragma('user_version');
  if (found <= version) return;
  const message = `the spool ${path} has schema version ${found}, this version of Indelible knows ${version}`;
  throw new IndelibleError('schema_too_new', { message });
}
