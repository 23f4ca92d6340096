import { IndelibleError } from '../protocol/errors.ts';
import type { Store } from './store.ts';
import { parseStoreAddress } from './storeAddress.ts';

export interface OpenStoreOptions {
  /** Whether tables may be made or brought up to date. Default true. */
  readonly migrate?: boolean;
  /** How processes that share a PostgreSQL hear of each other's commits: `notify` (default) or `redis://…`. */
  readonly wake?: string;
}

/**
 * Opens the store an address names: `sqlite:<path>` or `postgres://…`. What a store needs is loaded when it is asked
 * for, so that nobody needs the parts of the other.
 *
 * @throws IndelibleError `invalid_config` for any other address; else as the store's own opening
 */
export async function openStore(address: string, options: OpenStoreOptions = {}): Promise<Store> {
  const named = parseStoreAddress(address);
  if (named.kind === 'sqlite') {
    const { openSqliteStore } = await import('./sqlite/index.ts');
    return openSqliteStore(named.path);
  }
  const { openPostgresStore } = await import('./postgres/index.ts');
  const { migrate = true } = options;
  const wake = await openWake(options.wake);
  return openPostgresStore(named.url, wake === undefined ? { migrate } : { migrate, wake });
}

async function openWake(wake = 'notify') {
  if (wake === 'notify') return undefined;
  if (!/^rediss?:\/\//.test(wake)) {
    const message = 'INDELIBLE_WAKE must be notify or redis://…';
    throw new IndelibleError('invalid_config', { message, field: 'INDELIBLE_WAKE' });
  }
  const { RedisWake } = await import('./redisWake.ts');
  return RedisWake.open(wake);
}
