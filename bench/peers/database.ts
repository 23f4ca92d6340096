import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { Client, escapeIdentifier } from 'pg';
import { IndelibleError } from '../../src/protocol/errors.ts';
import { type PostgresServer, startPostgres } from '../../src/testing/postgresServer.ts';

/** A PostgreSQL to measure on. */
export interface BenchDatabase {
  /** What it is, and the settings on which durability and the figures depend. */
  readonly description: string;
  /** Runs `action` with an empty database, which then is dropped. */
  withEmpty<T>(action: (url: string) => Promise<T>): Promise<T>;
}

const settings = [
  'server_version',
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_sync_method',
  'shared_buffers',
];

const objectInUse = '55006';

/**
 * The one that INDELIBLE_TEST_POSTGRES names (as a role that may make databases), else one that is started for the
 * measurement, with the settings of PostgreSQL: what it says is committed is on disk.
 */
export async function withBenchDatabase<T>(
  directory: string,
  action: (database: BenchDatabase) => Promise<T>,
): Promise<T> {
  const given = process.env['INDELIBLE_TEST_POSTGRES'];
  if (given !== undefined) return action(await benchDatabase(given));
  const server = await startOwn(resolve(directory));
  try {
    return await action(await benchDatabase(server.url()));
  } finally {
    await server.close();
  }
}

/** In `directory`, or where the user that Postgres runs as cannot reach it, in the system's folder for such things. */
async function startOwn(directory: string): Promise<PostgresServer> {
  mkdirSync(directory, { recursive: true });
  try {
    return await startPostgres({ parentFolder: directory });
  } catch (error) {
    if (!IndelibleError.is(error, 'invalid_config')) throw error;
    return startPostgres();
  }
}

async function benchDatabase(server: string): Promise<BenchDatabase> {
  const shown = settings.map((name) => `current_setting('${name}') AS ${name}`).join(', ');
  const [row = {}] = await run(server, `SELECT ${shown}`);
  const { server_version: version, ...others } = row;
  return {
    description: `PostgreSQL ${version}, ${Object.entries(others)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}`,
    async withEmpty(action) {
      const name = `indelible_bench_${randomUUID().replaceAll('-', '')}`;
      await run(server, `CREATE DATABASE ${escapeIdentifier(name)}`);
      try {
        const url = new URL(server);
        url.pathname = name;
        return await action(url.href);
      } finally {
        await drop(server, name);
      }
    },
  };
}

/** Who is closing a connection is waited for (PostgreSQL does, 5 s): to be thrown out would crash a library's process. */
async function drop(server: string, name: string): Promise<void> {
  const statement = `DROP DATABASE ${escapeIdentifier(name)}`;
  try {
    await run(server, statement);
  } catch (error) {
    if ((error as { code?: unknown }).code !== objectInUse) throw error;
    await run(server, `${statement} WITH (FORCE)`);
  }
}

async function run(url: string, statement: string): Promise<Record<string, string>[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, string>>(statement)).rows;
  } finally {
    await client.end();
  }
}
