import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { IndelibleError, type PreparedMessage, prepareMessage } from 'indelible/protocol';
import { openSqliteStore } from 'indelible/sqlite';
import { storeContract } from 'indelible/testing';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/store/sqlite/database.ts';
import { DatabaseFile } from '../../src/store/sqlite/databaseFile.ts';
import { OtherProcesses } from '../../src/store/sqlite/otherProcesses.ts';
import { SqliteLog } from '../../src/store/sqlite/sqliteLog.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'indelible-sqlite-'));
  path = join(folder, 'log.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the store on SQLite keeps the contract', () => {
  it.each(storeContract())('$promise: $name', (test) => test.run(async () => openSqliteStore(path)));
});

describe('a SQLite file', () => {
  it('is in WAL mode with synchronous=FULL after every open, not only the first', () => {
    for (let time = 0; time < 3; time++) {
      const db = openDatabase(path);
      expect(pragma(db, 'journal_mode')).toBe('wal');
      expect(pragma(db, 'synchronous')).toBe(2);
      expect(pragma(db, 'page_size')).toBe(8192);
      expect(pragma(db, 'trusted_schema')).toBe(0);
      db.close();
    }
  });

  it('and what belongs to it can be read by its owner only', async () => {
    const store = open();
    await store.log.append([message('m1')]);
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(path + suffix).mode & 0o777, suffix).toBe(0o600);
  });

  it('is made with its folders', async () => {
    path = join(folder, 'not', 'yet', 'there', 'log.db');
    await open().log.append([message('m1')]);
    expect(existsSync(path)).toBe(true);
  });

  it('keeps the permissions that its owner gave it', async () => {
    await open().close();
    chmodSync(path, 0o640);
    await open().log.append([message('m1')]);
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  it('that is not a file but memory starts empty each time', async () => {
    path = ':memory:';
    const store = open();
    await store.log.append([message('m1')]);
    expect(await open().log.find('plan', 'm1')).toBeUndefined();
    expect(existsSync(':memory:')).toBe(false);
  });
});

describe('a SQLite file of another schema', () => {
  it('written by a newer version is refused with schema_too_new and left as it was', async () => {
    await open().close();
    const db = new DatabaseSync(path);
    const version = Number(pragma(db, 'user_version'));
    expect(version).toBeGreaterThan(0);
    db.exec(`PRAGMA user_version = ${version + 1}`);
    db.close();
    const before = readFileSync(path);
    expect(failureOf(() => openSqliteStore(path)).code).toBe('schema_too_new');
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('that belongs to another program is refused and left as it was', () => {
    const db = new DatabaseSync(path);
    db.exec('CREATE TABLE messages (text); INSERT INTO messages VALUES (1)');
    db.close();
    const error = failureOf(() => openSqliteStore(path));
    expect(error.code).toBe('store_refused');
    expect(error.cause).toBeInstanceOf(Error);
    const again = new DatabaseSync(path);
    expect(again.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'messages' }]);
    expect(pragma(again, 'user_version')).toBe(0);
    again.close();
  });
});

describe('a SQLite file that another connection is writing to', () => {
  it('answers store_unavailable soon, with the cause, and stores nothing; when the other is done it goes on', async () => {
    const store = open();
    await store.log.append([message('m1')]);
    const other = holdWriteLock();
    const started = performance.now();
    const calls: (() => Promise<unknown>)[] = [
      () => store.log.append([message('m2')]),
      () => store.log.update(message('m1', 'changed'), 1),
      () => store.plans.create(newPlan('new')),
      () => store.plans.change('plan', { updatedAt: '2026-11-23T10:00:00.000Z' }),
    ];
    for (const call of calls) {
      const error = await rejection(call());
      expect(error.code).toBe('store_unavailable');
      expect(error.cause).toMatchObject({ errcode: 5 });
    }
    expect(performance.now() - started).toBeLessThan(1_500);
    expect((await store.log.find('plan', 'm1'))?.version).toBe(1);
    other.exec('COMMIT');
    expect((await store.log.append([message('m2')]))[0]).toMatchObject({ status: 'stored', message: { sequence: 2 } });
    expect(await store.plans.find('new')).toBeUndefined();
  });

  it('is locked from before the log looks at it until the commit: nobody writes in between', async () => {
    const db = openDatabase(path);
    onTestFinished(() => db.close());
    const other = open();
    const attempts: Promise<unknown>[] = [];
    const prepare = db.prepare.bind(db);
    db.prepare = (sql) => {
      const statement = prepare(sql);
      const get = statement.get.bind(statement);
      if (sql === 'PRAGMA data_version') {
        statement.get = () => {
          const version = get();
          if (db.isTransaction) attempts.push(rejection(other.log.append([message(`other${attempts.length}`)])));
          return version;
        };
      }
      return statement;
    };
    const log = new SqliteLog(db, new DatabaseFile(db, path), new OtherProcesses(db));
    for (const sequence of [1, 2, 3]) {
      expect((await log.append([message(`m${sequence}`)]))[0]?.message.sequence).toBe(sequence);
    }
    expect(await Promise.all(attempts)).toMatchObject(Array(3).fill({ code: 'store_unavailable' }));
  });

  it('can be read and opened meanwhile', async () => {
    await open().log.append([message('m1')]);
    holdWriteLock();
    const store = open();
    expect((await store.log.find('plan', 'm1'))?.sequence).toBe(1);
    expect((await store.plans.list({ limit: 10 })).length).toBe(1);
  });
});

describe('a SQLite file that cannot be used', () => {
  it.each<[string, () => void]>([
    ['is a folder', () => mkdirSync(path)],
    ['lies in a file', () => (path = join(writeFile(join(folder, 'file'), 'text'), 'log.db'))],
    ['is another kind of file', () => writeFile(path, 'not a database, but long enough to have a header '.repeat(100))],
    ['has a damaged header', () => damage(0, 100)],
    ['has a damaged schema', () => damage(100, 8_000)],
  ])('because it %s is refused or unavailable, with the cause', async (_why, make) => {
    make();
    const error = failureOf(() => openSqliteStore(path));
    expect(['store_refused', 'store_unavailable']).toContain(error.code);
    expect(error.cause).toBeInstanceOf(Error);
    expect(error.message).toContain(path);
  });

  it.each(['open elsewhere', 'closed'])(
    'because it may not be written to refuses, with the cause (%s)',
    async (state) => {
      const owner = open();
      await owner.log.append([message('m1')]);
      if (state === 'closed') await owner.close();
      chmodSync(folder, 0o755);
      for (const suffix of ['', '-wal', '-shm']) if (existsSync(path + suffix)) chmodSync(path + suffix, 0o444);
      const error = await rejection(
        withoutRoot(async () => {
          const store = open();
          return await store.log.append([message('m2')]);
        }),
      );
      expect(error.code).toBe('store_refused');
      expect(error.cause).toBeInstanceOf(Error);
    },
  );

  it('because its folder is closed to us is refused, with the cause', () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed, { mode: 0o000 });
    const error = failureOf(() => withoutRoot(() => openSqliteStore(join(closed, 'log.db'))));
    expect(error.code).toBe('store_refused');
    expect(error.cause).toMatchObject({ code: 'EACCES' });
  });

  it('because its pages are damaged refuses the call that meets them, with the cause', async () => {
    const store = openSqliteStore(path);
    await store.log.append(Array.from({ length: 500 }, (_, index) => message(`m${index}`, 'x'.repeat(500))));
    await store.close();
    const bytes = readFileSync(path);
    for (let page = 8; page * 8_192 < bytes.length; page++) bytes.fill(0xff, page * 8_192, page * 8_192 + 4_096);
    writeFileSync(path, bytes);
    const damaged = open();
    const error = await rejection(damaged.log.read('plan', { sequence: 0, revision: 0 }, 1_000));
    expect(error.code).toBe('store_refused');
    expect(error.cause).toMatchObject({ errcode: 11 });
  });

  it('because the disk is full answers store_unavailable and stores nothing, and goes on when there is room', async () => {
    const db = openDatabase(path);
    onTestFinished(() => db.close());
    const log = new SqliteLog(db, new DatabaseFile(db, path), new OtherProcesses(db));
    await log.append([message('m1')]);
    db.exec(`PRAGMA max_page_count = ${pragma(db, 'page_count')}`);
    const error = await rejection(log.append([message('m2', 'small'), message('m3', 'x'.repeat(1_000_000))]));
    expect(error.code).toBe('store_unavailable');
    expect(error.cause).toMatchObject({ errcode: 13 });
    expect(await log.find('plan', 'm2')).toBeUndefined();
    db.exec('PRAGMA max_page_count = 100000');
    expect((await log.append([message('m2', 'small')]))[0]?.message.sequence).toBe(2);
  });
});

function open() {
  const store = openSqliteStore(path);
  onTestFinished(() => store.close());
  return store;
}

function holdWriteLock(): DatabaseSync {
  const db = new DatabaseSync(path);
  onTestFinished(() => db.close());
  db.exec('BEGIN IMMEDIATE');
  return db;
}

function message(messageId: string, content = 'content'): PreparedMessage {
  return prepareMessage({ planId: 'plan', agentName: 'Planner', messageId, content }, { now: () => 0 });
}

function newPlan(planId: string) {
  const texts = { sessionId: 's', userId: 'u', teamId: 't', description: 'd' };
  return { planId, ...texts, status: 'pending', createdAt: '2026-11-23T10:00:00.000Z' } as const;
}

function pragma(db: DatabaseSync, name: string): unknown {
  return db.prepare(`PRAGMA ${name}`).get()?.[name];
}

function writeFile(file: string, text: string): string {
  writeFileSync(file, text);
  return file;
}

/** Makes a good file, then overwrites a part of it. */
function damage(from: number, to: number): void {
  const db = openDatabase(path);
  db.close();
  writeFileSync(path, readFileSync(path).fill(0xa5, from, to));
}

/** Root may do anything: tests of permissions run `action` as another user. */
function withoutRoot<T>(action: () => T): T {
  if (process.geteuid?.() !== 0) return action();
  process.seteuid?.(65_534);
  try {
    return action();
  } finally {
    process.seteuid?.(0);
  }
}

function failureOf(action: () => unknown): IndelibleError {
  try {
    action();
  } catch (error) {
    if (IndelibleError.is(error)) return error;
    throw error;
  }
  throw new Error('did not throw');
}

async function rejection(call: Promise<unknown>): Promise<IndelibleError> {
  const error = await call.then(
    () => new Error('did not reject'),
    (reason: unknown) => reason,
  );
  if (IndelibleError.is(error)) return error;
  throw error;
}

describe('a SQLite file that is removed, replaced or emptied while it is open', () => {
  const faults: Record<string, () => void> = {
    removed: () => rmSync(path),
    replaced: () => {
      rmSync(path);
      openDatabase(path).close();
    },
    emptied: () => writeFileSync(path, ''),
  };

  it.each(Object.entries(faults))(
    'acknowledges nothing more, reads nothing old, and says why (%s)',
    async (_, fault) => {
      const store = open();
      await store.log.append([message('m1')]);
      fault();
      const calls: (() => Promise<unknown>)[] = [
        () => store.log.append([message('m2')]),
        () => store.log.update(message('m1', 'changed'), 1),
        () => store.log.read('plan', { sequence: 0, revision: 0 }, 10),
        () => store.log.heads(['plan']),
        () => store.plans.create(newPlan('new')),
        () => store.plans.find('plan'),
      ];
      for (const call of calls) {
        const error = await rejection(call());
        expect(error.code).toBe('store_unavailable');
        expect(error.message).toContain('removed, replaced or emptied');
      }
    },
  );

  it('is taken up again when it is put back', async () => {
    const store = open();
    await store.log.append([message('m1')]);
    renameSync(path, `${path}.away`);
    expect((await rejection(store.log.append([message('m2')]))).code).toBe('store_unavailable');
    renameSync(`${path}.away`, path);
    expect(await store.log.append([message('m2')])).toMatchObject([{ status: 'stored', message: { sequence: 2 } }]);
  });
});

it('a store that was closed says so, to readers and writers', async () => {
  const store = open();
  await store.close();
  expect((await rejection(store.log.append([message('m1')]))).code).toBe('service_closed');
  expect((await rejection(store.log.read('plan', { sequence: 0, revision: 0 }, 1))).code).toBe('service_closed');
  expect((await rejection(store.plans.find('plan'))).code).toBe('service_closed');
});
