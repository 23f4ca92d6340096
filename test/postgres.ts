import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, escapeIdentifier } from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
  /** Of a role that owns the database and need not be a superuser. */
  readonly url: string;
  /** Takes it away, though clients are connected. */
  drop(): Promise<void>;
}

/**
 * An empty database of one's own on the run's Postgres: the one that INDELIBLE_TEST_POSTGRES names (any database of it,
 * as a role that may make databases), else one that is started for the run. Not for tests that stop or kill it: those
 * start their own.
 */
export async function testPostgres(): Promise<TestDatabase> {
  const server = process.env['INDELIBLE_TEST_POSTGRES'] ?? (await startedForThisRun());
  const name = `indelible_test_${randomUUID().replaceAll('-', '')}`;
  await run(server, `CREATE DATABASE ${escapeIdentifier(name)}`);
  const url = new URL(server);
  url.pathname = name;
  return {
    url: url.href,
    drop: () => dropDatabase(server, name),
  };
}

const insufficientPrivilege = '42501';

/** The role may not end an autovacuum worker that is in the database just then: it is waited for. */
async function dropDatabase(server: string, name: string): Promise<void> {
  for (let left = 50; ; left--) {
    try {
      return await run(server, `DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`);
    } catch (error) {
      if (left === 0 || (error as { code?: string }).code !== insufficientPrivilege) throw error;
      await sleep(200);
    }
  }
}

async function startedForThisRun(): Promise<string> {
  const response = await fetch(inject('postgresOnDemand'));
  const said = await response.text();
  if (!response.ok) throw new Error(`the Postgres of this run does not start: ${said}`);
  return said;
}

async function run(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 20_000, query_timeout: 20_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(statement);
  } finally {
    await client.end();
  }
}
