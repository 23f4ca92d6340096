import type { Pool } from 'pg';
import { IndelibleError } from '../../protocol/errors.ts';
import type { Store } from '../store.ts';
import type { Wake } from '../wake.ts';
import { Connections, defaultTimeouts, type PostgresTimeouts, translated } from './connection.ts';
import { Epoch } from './epoch.ts';
import { checkSchema, migrate } from './migrations.ts';
import { NotifyWake } from './notifyWake.ts';
import { PostgresLog } from './postgresLog.ts';
import { PostgresPlans } from './postgresPlans.ts';

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
  const log = new PostgresLog({ pool, epoch, wake });
  let closing: Promise<void> | undefined;
  return {
    description: withoutPassword(url),
    log,
    plans: new PostgresPlans(pool),
    close() {
      log.stopListening();
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
