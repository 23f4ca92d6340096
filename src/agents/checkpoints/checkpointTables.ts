import type { DatabaseSync } from 'node:sqlite';
import { IndelibleError } from '../../protocol/errors.ts';
import { inTransaction } from '../../store/sqlite/database.ts';

/**
 * The tables of checkpoints in the log's file. Forward only, as the log's own: a migration that was released is never
 * changed, tables of a newer version are refused. They are counted apart from the log's, in its table `meta`, because
 * only files in which somebody keeps checkpoints have them.
 *
 * A channel's value lies once, under its version; the checkpoints in which it did not change name that version. So the
 * thousandth step of a thread writes what it changed, not the whole state.
 */
const migrations: readonly string[] = [
  `CREATE TABLE checkpoints (
     thread_id TEXT NOT NULL,
     checkpoint_ns TEXT NOT NULL,
     checkpoint_id TEXT NOT NULL,
     parent_id TEXT,
     format INTEGER NOT NULL,
     channel_versions TEXT NOT NULL,
     type TEXT NOT NULL,
     checkpoint BLOB NOT NULL,
     metadata_type TEXT NOT NULL,
     metadata BLOB NOT NULL,
     PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id)
   ) STRICT;
   CREATE TABLE checkpoint_values (
     thread_id TEXT NOT NULL,
     checkpoint_ns TEXT NOT NULL,
     channel TEXT NOT NULL,
     version TEXT NOT NULL,
     type TEXT NOT NULL,
     value BLOB NOT NULL,
     PRIMARY KEY (thread_id, checkpoint_ns, channel, version)
   ) STRICT;
   CREATE TABLE checkpoint_writes (
     thread_id TEXT NOT NULL,
     checkpoint_ns TEXT NOT NULL,
     checkpoint_id TEXT NOT NULL,
     task_path TEXT NOT NULL,
     task_id TEXT NOT NULL,
     place INTEGER NOT NULL,
     channel TEXT NOT NULL,
     type TEXT NOT NULL,
     value BLOB NOT NULL,
     PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, place)
   ) STRICT;`,
];

const versionKey = 'checkpoints_version';

/** Makes the tables or brings them up to date. `db` is a log's database; several processes may do this at once. */
export function migrateCheckpoints(db: DatabaseSync): void {
  if (version(db) === migrations.length) return;
  inTransaction(db, 'cannot make the tables of checkpoints', () => {
    const from = version(db);
    if (from > migrations.length) {
      const message = `the checkpoints have schema version ${from}, this version of Indelible knows ${migrations.length}`;
      throw new IndelibleError('schema_too_new', { message });
    }
    for (const migration of migrations.slice(from)) db.exec(migration);
    db.prepare(
      'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    ).run(versionKey, String(migrations.length));
  });
}

function version(db: DatabaseSync): number {
  return Number(db.prepare('SELECT value FROM meta WHERE key = ?').get(versionKey)?.['value'] ?? 0);
}
