import type { Store } from '../store.ts';
import { openDatabase } from './database.ts';
import { DatabaseFile } from './databaseFile.ts';
import { OtherProcesses } from './otherProcesses.ts';
import { RecordChanges } from './recordChanges.ts';
import { SqliteDrafts } from './sqliteDrafts.ts';
import { SqliteLog } from './sqliteLog.ts';
import { SqlitePlans } from './sqlitePlans.ts';
import { SqliteReadPositions } from './sqliteReadPositions.ts';
import { SqliteRuns } from './sqliteRuns.ts';

/**
 * Opens the embedded database, making the file (mode 0600), its folder and its tables where they are missing. Several
 * processes may have the same file open.
 *
 * @param path a file, or `:memory:` for one that is gone when it is closed
 * @throws IndelibleError `store_unavailable`, `store_refused`, `schema_too_new`
 */
export function openSqliteStore(path: string): Store {
  const db = openDatabase(path);
  const file = new DatabaseFile(db, path);
  const others = new OtherProcesses(db);
  const changes = new RecordChanges(db, others);
  const plans = new SqlitePlans(db, file);
  return {
    description: `sqlite:${path}`,
    log: new SqliteLog(db, file, others),
    plans,
    runs: new SqliteRuns(db, file, plans),
    drafts: new SqliteDrafts(db, file, changes),
    readPositions: new SqliteReadPositions(db, file, changes),
    onRecordChange: (listener) => changes.onChange(listener),
    async close() {
      others.close();
      if (db.isOpen) db.close();
    },
  };
}
