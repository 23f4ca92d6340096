import { Client } from 'pg';
import { connectionConfig, defaultTimeouts } from './connection.ts';
import { Sockets } from './sockets.ts';

/**
 * Runs `action` on a connection of its own without statement timeout, under the advisory lock `lockKey`: one process at a
 * time changes a schema, however long that takes. The lock goes with the connection.
 */
export async function underMigrationLock<T>(
  url: string,
  lockKey: string,
  action: (client: Client) => Promise<T>,
): Promise<T> {
  const sockets = new Sockets();
  const { query_timeout: _, statement_timeout: __, ...config } = connectionConfig(url, defaultTimeouts, sockets);
  const client = new Client(config);
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [lockKey]);
    return await action(client);
  } finally {
    client.end().catch(() => {});
    await sockets.gone();
  }
}
