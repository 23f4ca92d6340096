import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { IndelibleError } from '../../protocol/errors.ts';

/**
 * Forward only: a migration that was released is never changed, a database written by a newer version is refused.
 * `PRAGMA user_version` is the number of migrations a file has been through.
 *
 * The shape of `messages` was measured (docs/adr/0010-sqlite-layout.md): a rowid table, so that rows append; message ids
 * in two indexes, one for each way in which ids come (`messageKey.ts`), so that neither is written all over.
 */
const migrations: readonly ((db: DatabaseSync) => void)[] = [
  (db) => {
    db.exec(`
      CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE heads (
        plan INTEGER PRIMARY KEY,
        plan_id TEXT NOT NULL UNIQUE,
        sequence INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        created_at TEXT NOT NULL
      ) STRICT;
      CREATE TABLE messages (
        plan INTEGER NOT NULL REFERENCES heads,
        sequence INTEGER NOT NULL,
        message_id ANY NOT NULL,
        version INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        body TEXT NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX messages_by_place ON messages (plan, sequence);
      CREATE UNIQUE INDEX messages_by_timed_id ON messages (message_id, plan) WHERE typeof(message_id) = 'blob';
      CREATE UNIQUE INDEX messages_by_other_id ON messages (plan, message_id) WHERE typeof(message_id) = 'text';
      CREATE INDEX messages_by_revision ON messages (plan, revision) WHERE revision > 0;
      CREATE TABLE plans (
        plan INTEGER PRIMARY KEY REFERENCES heads,
        session_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        team_id TEXT NOT NULL,
        description TEXT NOT NULL,
        status TEXT NOT NULL,
        steps TEXT NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
      ) STRICT;
      CREATE INDEX plans_by_session ON plans (session_id);
    `);
    db.prepare(`INSERT INTO meta (key, value) VALUES ('epoch', ?)`).run(randomUUID());
  },
  // Records beside the log. Their plans need not exist. `changed` tells what was written last: `changes.ts`.
  (db) => {
    db.exec(`
      ALTER TABLE heads ADD COLUMN trimmed INTEGER NOT NULL DEFAULT 0;
      CREATE TABLE drafts (
        place INTEGER PRIMARY KEY,
        plan_id TEXT NOT NULL,
        draft_id ANY NOT NULL,
        owner TEXT NOT NULL,
        agent_name TEXT NOT NULL,
        text TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        touched_at TEXT NOT NULL,
        changed INTEGER NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX drafts_by_id ON drafts (plan_id, draft_id);
      CREATE INDEX drafts_by_owner ON drafts (owner);
      CREATE INDEX drafts_by_touch ON drafts (touched_at);
      CREATE INDEX drafts_by_change ON drafts (changed);
      CREATE TABLE read_positions (
        plan_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        PRIMARY KEY (plan_id, user_id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX read_positions_by_change ON read_positions (changed);
      INSERT INTO meta (key, value) VALUES ('record_changes', '0');
    `);
  },
  // Free strings of a request and an answer are JSON text. A run whose owner is gone has none.
  (db) => {
    db.exec(`
      CREATE TABLE runs (
        plan INTEGER PRIMARY KEY REFERENCES heads,
        state TEXT NOT NULL,
        owner TEXT,
        fence INTEGER NOT NULL,
        request TEXT,
        answer TEXT,
        cancel_requested INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX runs_free ON runs (plan) WHERE state = 'working' AND owner IS NULL;
      CREATE INDEX runs_by_owner ON runs (owner) WHERE owner IS NOT NULL;
      CREATE TABLE run_owners (owner TEXT PRIMARY KEY, beat INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    `);
  },
];

/** Brings the schema up to date; several processes may open a new file at once, one of them migrates. */
export function migrate(db: DatabaseSync): void {
  if (schemaVersion(db) === migrations.length) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    const from = schemaVersion(db);
    if (from > migrations.length) {
      const message = `the database has schema version ${from}, this version of Indelible knows ${migrations.length}`;
      throw new IndelibleError('schema_too_new', { message });
    }
    for (const migration of migrations.slice(from)) migration(db);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    db.exec('COMMIT');
  } catch (error) {
    // A disk that failed has ended it already; its error is what must come out.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function schemaVersion(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
}
