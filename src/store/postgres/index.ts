import type { Pool } from 'pg';
import { IndelibleError } from '../../protocol/errors.ts';
import type { Store } from '../store.ts';
import type { Wake } from '../wake.ts';
import { CommitTelling } from './commitTelling.ts';
import { Connections, defaultTimeouts, type PostgresTimeouts, translated } from './connection.ts';
import { Epoch } from './epoch.ts';
import { Hearing } from './hearing.ts';
import { checkSchema, migrate } from './migrations.ts';
import { NotifyWake } from './notifyWake.ts';
import { PostgresDrafts } from './postgresDrafts.ts';
import { PostgresLog } from './postgresLog.ts';
import { PostgresPlans } from './postgresPlans.ts';
import { PostgresReadPositions } from './postgresReadPositions.ts';
import { PostgresRuns } from './postgresRuns.ts';
import { RecordTelling } from './recordTelling.ts';

export type { PostgresTimeouts } from './connection.ts';
export { type MigrationReport, migrate } from './migrations.ts';

export interface PostgresOptions {
  /** Whether to bring the schema up to date. Default true; false throws `schema_outdated` where it is not. */
  readonly migrate?: boolean;
  /** How processes hear of each other's commits. Default PostgreSQL's NOTIFY. */
  readonly wake?: Wake;
  /** Connections. Default 10. One more is used to listen. */
  readonly poolSize?: number;
  readonly timeouts?: Partial<PostgresTimeouts>;
}

/**
 * Opens a log on PostgreSQL 14 or newer, for any number of processes.
 *
 * @param url `postgres://user:password@host:port/database`
 * @throws IndelibleError `store_unavailable`, `store_refused`, `schema_outdated`, `schema_too_new`
 */
export async function openPostgresStore(url: string, options: PostgresOptions = {}): Promise<Store> {
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const connections = new Connections(url, options.poolSize ?? 10, timeouts);
  const { pool } = connections;
  const wake = options.wake ?? new NotifyWake(url);
  const epoch = new Epoch();
  try {
    await translated('cannot open the database', async () => {
      await prepareSchema(url, pool, options.migrate ?? true);
      await epoch.refresh(pool);
    });
  } catch (error) {
    await Promise.all([wake.close(), connections.end()]);
    throw error;
  }
  const hearing = new Hearing(wake);
  const log = new PostgresLog({ pool, epoch, wake, hearing });
  const telling = new RecordTelling(wake, new CommitTelling(pool, wake.inTransaction));
  let closing: Promise<void> | undefined;
  return {
    description: withoutPassword(url),
    log,
    plans: new PostgresPlans(pool),
    runs: new PostgresRuns(pool),
    drafts: new PostgresDrafts(pool, telling),
    readPositions: new PostgresReadPositions(pool, telling),
    onRecordChange: (listener) => hearing.onRecord(listener),
    close() {
      hearing.stop();
      closing ??= Promise.all([wake.close(), connections.end()]).then(() => {});
      return closing;
    },
  };
}

async function prepareSchema(url: string, pool: Pool, mayMigrate: boolean): Promise<void> {
  try {
    await checkSchema(pool);
  } catch (error) {
    if (!mayMigrate || !IndelibleError.is(error, 'schema_outdated')) throw error;
    await migrate(url);
  }
}

function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url);
    parsed.password = '';
    parsed.search = '';
    return parsed.toString();
  } catch {
    return 'postgres';
  }
}
