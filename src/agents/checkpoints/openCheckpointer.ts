import type { BaseCheckpointSaver } from '@langchain/langgraph';
import { IndelibleError } from '../../protocol/errors.ts';
import { parseStoreAddress } from '../../store/storeAddress.ts';

/** What `compile({ checkpointer })` takes, and what must be closed when no graph uses it any more. */
export type Checkpointer = BaseCheckpointSaver & {
  /** Waits for what is being stored, then closes the connections. Safe to call twice. */
  close(): Promise<void>;
};

export interface OpenCheckpointerOptions {
  /** Whether the tables of checkpoints may be made or brought up to date. Default true. On SQLite they always may. */
  readonly migrate?: boolean;
}

/**
 * Opens the place for LangGraph's checkpoints in the database that holds the log, by the same address:
 *
 * ```ts
 * const checkpointer = await openCheckpointer('sqlite:./indelible.db');
 * const graph = durable(builder.compile({ checkpointer }), { log: indelible });
 * ```
 *
 * On SQLite it is a saver of this package, in tables of the same file; on PostgreSQL LangGraph's own
 * (`@langchain/langgraph-checkpoint-postgres`), in the schema `indelible_checkpoints`. Both pass LangGraph's validation
 * suite. A run that stopped for a human, or whose process was killed, goes on in any process that opens the same
 * database.
 *
 * @throws IndelibleError `invalid_config`, `package_missing`, `store_unavailable`, `store_refused`, `schema_too_new`,
 * `schema_outdated`
 */
export async function openCheckpointer(address: string, options: OpenCheckpointerOptions = {}): Promise<Checkpointer> {
  const named = parseStoreAddress(address);
  if (named.kind === 'sqlite') {
    const { SqliteCheckpointSaver } = await installed(
      ['@langchain/langgraph'],
      () => import('./sqliteCheckpointSaver.ts'),
    );
    return new SqliteCheckpointSaver(named.path);
  }
  const { PostgresCheckpointSaver } = await installed(
    ['@langchain/langgraph', '@langchain/langgraph-checkpoint-postgres'],
    () => import('./postgresCheckpointSaver.ts'),
  );
  return PostgresCheckpointSaver.open(named.url, options.migrate ?? true);
}

async function installed<T>(packages: readonly string[], load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const message = `checkpoints need packages that cannot be loaded: npm install ${packages.join(' ')}`;
    throw new IndelibleError('package_missing', { message, cause });
  }
}
