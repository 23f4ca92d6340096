import { randomUUID } from 'node:crypto';
import { emptyCheckpoint } from '@langchain/langgraph-checkpoint';
import { type Checkpointer, openCheckpointer } from 'indelible/langgraph';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../src/testing/postgresServer.ts';
import { startTcpProxy } from '../../../src/testing/tcpProxy.ts';
import { execute, poolOfTest } from '../../postgres/database.ts';

const thread = { configurable: { thread_id: 'thread', checkpoint_ns: '' } };
const metadata = { source: 'loop', step: 0, parents: {} } as const;

/** Roles are of a whole server, so it is one of this file's own. */
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
}, 60_000);
afterAll(() => server.close());

it('several processes open a new database at once: one makes the tables, all use them', async () => {
  const url = await database();
  const savers = await Promise.all([1, 2, 3, 4].map(() => open(url)));
  const config = await savers[0]?.put(thread, emptyCheckpoint(), metadata, {});
  for (const saver of savers) expect(await saver.getTuple(config ?? {})).toMatchObject({ config });
});

it('a database without its tables is refused with schema_outdated where it may not be migrated, and left alone', async () => {
  const url = await database();
  await expect(openCheckpointer(url, { migrate: false })).rejects.toMatchObject({ code: 'schema_outdated' });
  expect(await execute(url, `SELECT 1 FROM pg_namespace WHERE nspname = 'indelible_checkpoints'`)).toEqual([]);
  await open(url);
  await open(url, { migrate: false });
  await execute(url, 'DELETE FROM indelible_checkpoints.checkpoint_migrations WHERE v > 2');
  await expect(openCheckpointer(url, { migrate: false })).rejects.toMatchObject({ code: 'schema_outdated' });
  await open(url);
  await open(url, { migrate: false });
});

it('the role that runs graphs needs no right to make anything', async () => {
  const url = await database();
  await open(url);
  const role = `running_${randomUUID().replaceAll('-', '')}`;
  await execute(
    url,
    `CREATE ROLE ${role} LOGIN`,
    `GRANT USAGE ON SCHEMA indelible_checkpoints TO ${role}`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA indelible_checkpoints TO ${role}`,
  );
  const saver = await open(as(role, url));
  const config = await saver.put(thread, emptyCheckpoint(), metadata, {});
  await saver.put(thread, emptyCheckpoint(), metadata, {});
  await saver.putWrites(config, [['n', 1]], 'task');
  expect((await saver.getTuple(config))?.pendingWrites).toEqual([['task', 'n', 1]]);
  await saver.deleteThread('thread');
  expect(await saver.getTuple(config)).toBeUndefined();
});

it('a role that may make nothing but tables in a schema that was made for it can make them', async () => {
  const url = await database();
  const role = `making_${randomUUID().replaceAll('-', '')}`;
  await execute(url, `CREATE ROLE ${role} LOGIN`, `CREATE SCHEMA indelible_checkpoints AUTHORIZATION ${role}`);
  const saver = await open(as(role, url));
  expect(await saver.put(thread, emptyCheckpoint(), metadata, {})).toMatchObject(thread);
});

it('a connection that is thrown out in the middle of a put fails that put with a code, and no later one', async () => {
  const url = await database();
  const saver = await open(url);
  const pool = poolOfTest(url);
  const holder = await pool.connect();
  await holder.query('BEGIN; LOCK TABLE indelible_checkpoints.checkpoints IN ACCESS EXCLUSIVE MODE');
  const put = expect(saver.put(thread, emptyCheckpoint(), metadata, {})).rejects.toMatchObject({
    code: 'store_unavailable',
  });
  const thrownOut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()`;
  await vi.waitFor(async () => expect((await pool.query(thrownOut)).rowCount).toBe(1), 10_000);
  await put;
  await holder.query('COMMIT');
  holder.release();
  for (let n = 0; n < 12; n++) {
    const config = await saver.put(thread, emptyCheckpoint(), metadata, {});
    expect(await saver.getTuple(config)).toBeDefined();
  }
});

it('a put that its table is locked for ends with a code, and the connections serve on', {
  timeout: 60_000,
}, async () => {
  const url = await database();
  const saver = await open(url);
  const holder = await poolOfTest(url).connect();
  await holder.query('BEGIN; LOCK TABLE indelible_checkpoints.checkpoints IN ACCESS EXCLUSIVE MODE');
  await expect(saver.put(thread, emptyCheckpoint(), metadata, {})).rejects.toMatchObject({ code: 'store_unavailable' });
  await holder.query('COMMIT');
  holder.release();
  expect(await saver.put(thread, emptyCheckpoint(), metadata, {})).toMatchObject(thread);
});

it('a connection that the network swallowed is used by no later put', { timeout: 60_000 }, async () => {
  const url = await database();
  const network = await startTcpProxy({ target: url });
  onTestFinished(() => network.close());
  const saver = await open(network.through(url));
  await saver.put(thread, emptyCheckpoint(), metadata, {});
  await network.blackHole();
  await expect(saver.put(thread, emptyCheckpoint(), metadata, {})).rejects.toMatchObject({ code: 'store_unavailable' });
  await network.pass();
  const before = network.accepted;
  expect(await saver.put(thread, emptyCheckpoint(), metadata, {})).toMatchObject(thread);
  expect(network.accepted).toBe(before + 1);
});

async function database(): Promise<string> {
  const url = new URL(server.superuserUrl());
  const name = `checkpoints_${randomUUID().replaceAll('-', '')}`;
  await execute(url.href, `CREATE DATABASE ${name}`);
  url.pathname = name;
  return url.href;
}

async function open(url: string, options: { migrate?: boolean } = {}): Promise<Checkpointer> {
  const checkpointer = await openCheckpointer(url, options);
  onTestFinished(() => checkpointer.close());
  return checkpointer;
}

function as(role: string, url: string): string {
  const changed = new URL(url);
  changed.username = role;
  return changed.href;
}
