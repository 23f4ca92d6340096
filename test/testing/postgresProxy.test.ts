import { once } from 'node:events';
import { connect } from 'node:net';
import { type CutMoment, type PostgresProxy, startPostgresProxy } from 'indelible/testing';
import { Client, DatabaseError } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PostgresMessageReader } from '../../src/testing/proxy/postgresMessages.ts';
import { type TestDatabase, testPostgres } from '../postgres.ts';

let database: TestDatabase;
let proxy: PostgresProxy;
let direct: Client;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  database = await testPostgres();
  proxy = await startPostgresProxy({ target: database.url });
  direct = await connected(database.url);
  await direct.query('CREATE TABLE kept (id int PRIMARY KEY, said text)');
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await proxy.close();
  await database.drop();
});

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  cleanups.push(() => client.end().catch(() => {}));
  return client;
}

function throughProxy(): Promise<Client> {
  return connected(proxy.through(database.url));
}

async function kept(): Promise<number[]> {
  const { rows } = await direct.query<{ id: number }>('SELECT id FROM kept ORDER BY id');
  return rows.map(({ id }) => id);
}

/** No backend but our own is left in the database: whatever was under way is decided. */
async function decided(): Promise<void> {
  const others = `SELECT count(*)::int AS others FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid()`;
  while ((await direct.query(others)).rows[0]?.others > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** What the client was told: `stored`, the code of the server's error, or `lost` when the connection broke. */
async function told(insert: Promise<unknown>): Promise<string> {
  try {
    await insert;
    return 'stored';
  } catch (error) {
    return error instanceof DatabaseError ? String(error.code) : 'lost';
  }
}

type Write = (client: Client, id: number) => Promise<unknown>;

const ways: readonly (readonly [string, Write])[] = [
  [
    'a named prepared statement by itself',
    (client, id) =>
      client.query({ name: 'keep', text: 'INSERT INTO kept SELECT * FROM unnest($1::int[])', values: [[id]] }),
  ],
  ['a statement with values by itself', (client, id) => client.query('INSERT INTO kept VALUES ($1)', [id])],
  ['a simple query by itself', (client, id) => client.query(`INSERT INTO kept VALUES (${id})`)],
  ['several statements in one query', (client, id) => client.query(`BEGIN; INSERT INTO kept VALUES (${id}); COMMIT`)],
  [
    'a transaction that ends with COMMIT',
    async (client, id) => {
      await client.query('BEGIN');
      await client.query('SELECT FROM kept FOR UPDATE');
      await client.query({ name: 'keep', text: 'INSERT INTO kept VALUES ($1)', values: [id] });
      await client.query('SELECT count(*) FROM kept');
      await client.query('COMMIT');
    },
  ],
];

describe.each(ways)('A cut around the commit of %s', (_name, write) => {
  it.each([
    ['before', [1]],
    ['within', [1, 2]],
    ['after', [1, 2]],
  ] as const)('%s it: the client learns nothing, the database has what it must have (P5)', async (moment, rows) => {
    const client = await throughProxy();
    expect(await told(write(client, 1))).toBe('stored');
    const cut = proxy.cutNext(moment);
    expect(await told(write(client, 2))).toBe('lost');
    expect(await cut).toMatchObject({
      moment,
      statements: expect.arrayContaining([expect.stringContaining('INSERT')]),
    });
    if (moment === 'after') expect(await kept()).toEqual(rows);
    await decided();
    expect(await kept()).toEqual(rows);
    expect(await told(write(await throughProxy(), 3))).toBe('stored');
  });
});

const startOfSession = 196608;
const requestForEncryption = 80877103;

/** A client that speaks the protocol by hand. */
async function rawClient() {
  const socket = connect({ host: proxy.host, port: proxy.port });
  cleanups.push(() => socket.destroy());
  const reader = new PostgresMessageReader();
  let types = '';
  let talking = false;
  socket.on('error', () => {});
  socket.on('data', (piece) => {
    reader.add(piece);
    if (!talking && piece[0] === 'N'.charCodeAt(0)) types += reader.nextByte()?.toString('latin1');
    for (let next = reader.next(); next !== undefined; next = reader.next()) types += next.type;
  });
  await once(socket, 'connect');
  return {
    send: (...messages: readonly Buffer[]) => {
      talking ||= messages.some((sent) => sent.length > 8 && sent.readInt32BE(4) === startOfSession);
      socket.write(Buffer.concat(messages));
    },
    types: () => types,
    heard: async (type: string) => {
      while (!types.endsWith(type)) await new Promise((resolve) => setTimeout(resolve, 2));
    },
    closed: new Promise((resolve) => socket.once('close', resolve)),
  };
}

function untyped(code: number, text = ''): Buffer {
  const header = Buffer.alloc(8);
  header.writeInt32BE(8 + Buffer.byteLength(text));
  header.writeInt32BE(code, 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

function message(type: string, text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + Buffer.byteLength(text));
  return Buffer.concat([Buffer.from(type), length, Buffer.from(text)]);
}

function startup(): Buffer {
  const { username, pathname } = new URL(database.url);
  return untyped(startOfSession, `user\0${username}\0database\0${pathname.slice(1)}\0\0`);
}

describe('A planned cut', () => {
  it.each<CutMoment>(['before', 'within', 'after'])('%s a commit leaves alone what only reads', async (moment) => {
    const client = await throughProxy();
    let done = false;
    const cut = proxy.cutNext(moment).then(() => {
      done = true;
    });
    await client.query('SELECT 1');
    await client.query('SELECT id FROM kept WHERE id = $1 FOR UPDATE', [1]);
    await client.query('BEGIN');
    await client.query('SELECT id FROM kept');
    await client.query('COMMIT');
    expect(done).toBe(false);
    expect(await told(client.query('DELETE FROM kept'))).toBe('lost');
    await cut;
  });

  it('waits for a transaction with a statement that matches, on whichever connection', async () => {
    const [one, two] = [await throughProxy(), await throughProxy()];
    const cut = proxy.cutNext('before', (sql) => sql.includes('chosen'));
    expect(await told(one.query('INSERT INTO kept VALUES (1)'))).toBe('stored');
    await two.query('BEGIN');
    await two.query('SELECT 1 /* chosen */');
    await two.query('ROLLBACK');
    await two.query('BEGIN');
    await two.query('INSERT INTO kept VALUES (2) /* chosen */');
    expect(await told(one.query('INSERT INTO kept VALUES (3)'))).toBe('stored');
    expect(await told(two.query('COMMIT'))).toBe('lost');
    expect(await cut).toEqual({
      moment: 'before',
      statements: ['BEGIN', 'INSERT INTO kept VALUES (2) /* chosen */', 'COMMIT'],
    });
    expect(await told(one.query('INSERT INTO kept VALUES (4)'))).toBe('stored');
    await direct.query('SELECT 1');
    expect(await kept()).toEqual([1, 3, 4]);
  });

  it('is made once; several are made in the order of the plan', async () => {
    const cuts = (['after', 'before'] as const).map((moment) => proxy.cutNext(moment));
    expect(await told((await throughProxy()).query('INSERT INTO kept VALUES (1)'))).toBe('lost');
    expect(await told((await throughProxy()).query('INSERT INTO kept VALUES (2)'))).toBe('lost');
    expect((await Promise.all(cuts)).map((cut) => cut?.moment)).toEqual(['after', 'before']);
    await decided();
    expect(await told((await throughProxy()).query('INSERT INTO kept VALUES (3)'))).toBe('stored');
    expect(await kept()).toEqual([1, 3]);
  });

  it('after a commit is not used up by one that fails, and the client is told why that failed', async () => {
    await direct.query('INSERT INTO kept VALUES (1)');
    const client = await throughProxy();
    const cut = proxy.cutNext('after');
    expect(await told(client.query('INSERT INTO kept VALUES ($1)', [1]))).toBe('23505');
    await client.query('BEGIN');
    expect(await told(client.query('INSERT INTO kept VALUES (1)'))).toBe('23505');
    expect(await told(client.query('COMMIT'))).toBe('stored');
    await client.query('CREATE TABLE later (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)');
    await client.query('BEGIN');
    await client.query('INSERT INTO later VALUES (1), (1)');
    expect(await told(client.query('COMMIT'))).toBe('23505');
    expect(await told(client.query('INSERT INTO kept VALUES ($1)', [2]))).toBe('lost');
    expect((await cut)?.moment).toBe('after');
    expect(await kept()).toEqual([1, 2]);
  });

  it('after a commit is not used up by a server that goes before it answers', async () => {
    const client = await throughProxy();
    const cut = proxy.cutNext('after');
    const insert = told(client.query('INSERT INTO kept SELECT 1 FROM pg_sleep(60)'));
    const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND query LIKE 'INSERT%pg_sleep%' AND state = 'active'`;
    while ((await direct.query(terminate)).rowCount === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await insert).toBe('57P01');
    expect(await told((await throughProxy()).query('INSERT INTO kept VALUES (2)'))).toBe('lost');
    expect((await cut)?.statements).toEqual(['INSERT INTO kept VALUES (2)']);
    expect(await kept()).toEqual([2]);
  });

  it('is forgotten by pass and close', async () => {
    const client = await throughProxy();
    const cut = proxy.cutNext('before');
    await proxy.pass();
    expect(await cut).toBeUndefined();
    expect(await told(client.query('INSERT INTO kept VALUES (1)'))).toBe('stored');
    const other = proxy.cutNext('before');
    await proxy.close();
    expect(await other).toBeUndefined();
  });
});

describe('A proxy for PostgreSQL', () => {
  it('changes nothing of what is said: large values, notices, notifications, errors', async () => {
    const client = await throughProxy();
    const large = 'ü€😀'.repeat(300_000);
    await client.query('INSERT INTO kept VALUES (1, $1)', [large]);
    expect((await client.query('SELECT said FROM kept')).rows[0]?.said).toBe(large);
    const notified = new Promise((resolve) => client.once('notification', ({ payload }) => resolve(payload)));
    await client.query('LISTEN here');
    await direct.query(`NOTIFY here, 'hint'`);
    expect(await notified).toBe('hint');
    expect(await told(client.query('SELECT * FROM nowhere'))).toBe('42P01');
    expect((await client.query('SELECT count(*)::int FROM kept')).rows[0]?.count).toBe(1);
  });

  it('understands a client that first asks for encryption, which the server declines', async () => {
    const client = await rawClient();
    client.send(untyped(requestForEncryption));
    await client.heard('N');
    client.send(startup());
    await client.heard('Z');
    const cut = proxy.cutNext('before');
    client.send(message('Q', 'INSERT INTO kept VALUES (1)\0'));
    expect((await cut)?.moment).toBe('before');
    await decided();
    expect(await kept()).toEqual([]);
  });

  it('passes the answers to a client that did not wait for them, up to the commit that is cut', async () => {
    const client = await rawClient();
    client.send(startup());
    await client.heard('Z');
    const cut = proxy.cutNext('after', (sql) => sql.includes('chosen'));
    const before = client.types();
    client.send(
      message('Q', 'INSERT INTO kept VALUES (1)\0'),
      message('Q', 'INSERT INTO kept VALUES (2) /* chosen */\0'),
    );
    await cut;
    await client.closed;
    expect(client.types().slice(before.length)).toBe('CZ');
    expect(await kept()).toEqual([1, 2]);
  });

  it('cuts after the commit of a COPY, which cannot end before its data was asked for', async () => {
    const client = await rawClient();
    client.send(startup());
    await client.heard('Z');
    const before = client.types();
    const cut = proxy.cutNext('after');
    client.send(message('Q', 'COPY kept (id) FROM STDIN\0'));
    await client.heard('G');
    client.send(message('d', '7\n'), message('c', ''));
    await cut;
    await client.closed;
    expect(client.types().slice(before.length)).toBe('G');
    expect(await kept()).toEqual([7]);
  });

  it('shows a query that timed out in a black hole, and is done when the way is free again', async () => {
    const client = await throughProxy();
    await proxy.blackHole();
    const late = client.query({ text: 'INSERT INTO kept VALUES (1)', query_timeout: 50 } as never);
    expect(await told(late)).toBe('lost');
    void client.end().catch(() => {});
    expect(await kept()).toEqual([]);
    await proxy.pass();
    await decided();
    expect(await kept()).toEqual([1]);
  });
});
