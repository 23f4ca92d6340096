import { Client, Pool, type QueryResultRow } from 'pg';
import { onTestFinished } from 'vitest';
import { openPostgresStore, type PostgresOptions } from '../../src/store/postgres/index.ts';
import type { Store } from '../../src/store/store.ts';
import { type TestDatabase, testPostgres } from '../postgres.ts';

/** A database that is there until the test is finished. */
export async function databaseOfTest(): Promise<TestDatabase> {
  const database = await testPostgres();
  onTestFinished(database.drop);
  return database;
}

/** A store that is closed when the test is finished. Call it again for one more instance. */
export async function storeOfTest(url: string, options?: PostgresOptions): Promise<Store> {
  const store = await openPostgresStore(url, options);
  onTestFinished(() => store.close());
  return store;
}

/** Connections past the store, for controls. */
export function poolOfTest(url: string): Pool {
  const pool = new Pool({ connectionString: url, max: 12 });
  // It does not wait for the server's goodbye, which comes as an error if the database is dropped meanwhile.
  pool.on('error', () => {});
  onTestFinished(() => pool.end());
  return pool;
}

/** Makes the tables. */
export async function migrated(url: string): Promise<void> {
  await (await openPostgresStore(url)).close();
}

/** Runs statements on a connection of their own; answers the rows of the last. */
export async function execute<R extends QueryResultRow>(url: string, ...statements: readonly string[]): Promise<R[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 20_000 });
  client.on('error', () => {});
  await client.connect();
  try {
    let rows: R[] = [];
    for (const statement of statements) ({ rows } = await client.query<R>(statement));
    return rows;
  } finally {
    await client.end();
  }
}
