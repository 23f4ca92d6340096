import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import type { Pool } from 'pg';
import { IndelibleError } from '../../protocol/errors.ts';
import { translated } from '../../store/postgres/connection.ts';
import { underMigrationLock } from '../../store/postgres/migrationConnection.ts';

/** Beside the log's own schema, so that rights can be given for each. */
export const checkpointSchema = 'indelible_checkpoints';

/** Names the advisory lock: the bytes of `indelchk`. */
const lockKey = '7597120008193534059';

interface Queryable {
  query(text: string, values?: unknown[]): Promise<unknown>;
}

/**
 * Sees to it that the tables of LangGraph's saver are there and up to date, one process at a time. Its own `setup` makes
 * them, but it demands the right to create schemas even when there is nothing to do, and two at once disturb each other;
 * so it runs behind a gate that first only looks.
 *
 * @throws IndelibleError `schema_outdated` if something is to be done and `mayMigrate` is false; `store_unavailable`,
 * `store_refused`
 */
export async function prepareSaverTables(url: string, pool: Queryable, mayMigrate: boolean): Promise<void> {
  await translated('cannot make the tables of checkpoints', async () => {
    try {
      await setUp(pool, refuse);
    } catch (error) {
      if (!mayMigrate || !IndelibleError.is(error, 'schema_outdated')) throw error;
      await migrate(url);
    }
  });
}

function migrate(url: string): Promise<void> {
  return underMigrationLock(url, lockKey, async (client) => {
    const { rowCount } = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [checkpointSchema]);
    if (rowCount === 0) await client.query(`CREATE SCHEMA ${checkpointSchema}`);
    await setUp(client, (text, values) => client.query(text, values));
  });
}

/** Runs LangGraph's `setup`: what only looks goes to `connection`, what changes something to `change`. */
async function setUp(connection: Queryable, change: Queryable['query']): Promise<void> {
  const gate = {
    async query(text: string, values?: unknown[]): Promise<unknown> {
      if (/^\s*select\b/i.test(text)) return connection.query(text, values);
      if (/^\s*create schema\b/i.test(text)) return undefined;
      return change(text, values);
    },
    release() {},
  };
  const pool = { connect: async () => gate } as unknown as Pool;
  await new PostgresSaver(pool, undefined, { schema: checkpointSchema }).setup();
}

async function refuse(): Promise<never> {
  const message = 'the database has no tables for checkpoints, or older ones than LangGraph’s saver needs';
  throw new IndelibleError('schema_outdated', { message });
}
