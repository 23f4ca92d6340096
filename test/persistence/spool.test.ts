import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { recordSize } from '../../src/persistence/spool/record.ts';
import { IndelibleError } from '../../src/protocol/errors.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { allWaiting, spoolAt, spoolPath } from './spooled.ts';
import { noon, spooledMessage, spooledMessages } from './spooledMessage.ts';

const poison = new IndelibleError('message_conflict');

describe('The spool', () => {
  it('P3: gives back what was appended, in order, after it was closed and opened', () => {
    const path = spoolPath();
    const messages = spooledMessages(1, 300);
    const first = spoolAt(path);
    const ids = [...first.append(messages.slice(0, 1)), ...first.append(messages.slice(1))];
    expect(ids).toEqual(ids.toSorted((one, other) => one - other));
    expect(new Set(ids).size).toBe(300);
    expect(allWaiting(first)).toEqual(messages);
    first.close();
    const again = spoolAt(path, { now: () => noon + 1 });
    expect(allWaiting(again)).toEqual(messages);
    expect(again).toMatchObject({ depth: 300, setAsideCount: 0, oldestAcceptedAt: noon, size: first.size });
    expect(again.waiting('plan-3')).toBe(60);
    expect(again.append([spooledMessage(301)])[0]).toBeGreaterThan(ids.at(-1) as number);
  });

  it('never gives an id twice, also when all that had one are gone', () => {
    const path = spoolPath();
    const first = spoolAt(path);
    const ids = first.append(spooledMessages(1, 3));
    first.remove(ids);
    first.close();
    expect(spoolAt(path).append([spooledMessage(4)])).toEqual([(ids[2] as number) + 1]);
  });

  it('reads up to the limit and the size, at least one, behind the given id', () => {
    const spool = spoolAt(spoolPath());
    const messages = spooledMessages(1, 10);
    const ids = spool.append(messages);
    const read = (limit: number, size: number, after?: number) => spool.read(limit, size, after).map(({ id }) => id);
    expect(read(3, 1e6)).toEqual(ids.slice(0, 3));
    expect(read(3, 1e6, ids[4])).toEqual(ids.slice(5, 8));
    expect(read(10, 1)).toEqual(ids.slice(0, 1));
    const two = (messages[0]?.body.length ?? 0) + (messages[1]?.body.length ?? 0);
    expect(read(10, two)).toEqual(ids.slice(0, 2));
    expect(read(10, two - 1)).toEqual(ids.slice(0, 1));
    expect(read(10, 1e6, ids[9])).toEqual([]);
  });

  it('accepts the longest prefix that has room, keeps its order, and has room again after a removal', () => {
    const messages = spooledMessages(1, 10);
    const size = messages.slice(0, 4).reduce((sum, message) => sum + recordSize(message), 0);
    const spool = spoolAt(spoolPath(), { maxBytes: size });
    const ids = spool.append(messages);
    expect(ids).toHaveLength(4);
    expect(spool.size).toBe(size);
    expect(spool.append(messages.slice(4))).toEqual([]);
    expect(() => spool.keepAside(spooledMessage(5), poison)).toThrow(expect.objectContaining({ code: 'spool_full' }));
    spool.remove(ids.slice(0, 3));
    expect(spool.append(messages.slice(4, 6))).toHaveLength(2);
    expect(allWaiting(spool)).toEqual(messages.slice(3, 6));
  });

  it('counts what is set aside against the bound, in its place, and delivers the others', () => {
    const path = spoolPath();
    const spool = spoolAt(path);
    const messages = spooledMessages(1, 5);
    const ids = spool.append(messages);
    const { size } = spool;
    spool.setAside(ids[1] as number, poison);
    spool.setAside(999, poison);
    expect(spool).toMatchObject({ depth: 4, setAsideCount: 1, size });
    expect(spool.waiting('plan-2')).toBe(0);
    expect(allWaiting(spool)).toEqual(messages.filter((_, index) => index !== 1));
    expect(spool.remove([ids[1] as number, ids[0] as number, 999])).toEqual([ids[0]]);
    spool.keepAside(spooledMessage(6), poison);
    expect(spool).toMatchObject({ depth: 3, setAsideCount: 2 });
    const before = spool.size;
    spool.close();
    expect(spoolAt(path)).toMatchObject({ depth: 3, setAsideCount: 2, size: before });
  });

  it('knows when the first that waits was accepted', () => {
    let now = noon;
    const spool = spoolAt(spoolPath(), { now: () => now });
    expect(spool.oldestAcceptedAt).toBeUndefined();
    const first = spool.append(spooledMessages(1, 2));
    now += 1_000;
    const second = spool.append(spooledMessages(3, 3));
    expect(spool.oldestAcceptedAt).toBe(noon);
    spool.remove([first[0] as number]);
    spool.setAside(first[1] as number, poison);
    expect(spool.oldestAcceptedAt).toBe(noon + 1_000);
    spool.remove(second);
    expect(spool.oldestAcceptedAt).toBeUndefined();
  });

  it('is small again when all that waited is gone', () => {
    const path = spoolPath();
    const spool = spoolAt(path);
    for (let round = 0; round < 2; round++) {
      const ids = spool.append(spooledMessages(1, 12_000));
      expect(statSync(`${path}-wal`).size).toBeGreaterThan(1e6);
      for (let start = 0; start < ids.length; start += 1_000) spool.remove(ids.slice(start, start + 1_000));
      expect(statSync(`${path}-wal`).size).toBe(0);
      expect(statSync(path).size).toBeLessThan(100_000);
    }
  });

  it('is readable by its owner only', () => {
    const path = spoolPath();
    spoolAt(path).append([spooledMessage(1)]);
    for (const suffix of ['', '-wal', '-shm', '.owner']) expect(statSync(path + suffix).mode & 0o777).toBe(0o600);
  });

  it('answers service_closed after it was closed, and may be closed twice', () => {
    const spool = spoolAt(spoolPath());
    spool.close();
    spool.close();
    for (const call of [() => spool.append([spooledMessage(1)]), () => spool.read(1, 1), () => spool.remove([1])]) {
      expect(call).toThrow(expect.objectContaining({ code: 'service_closed' }));
    }
    expect(spool.refresh()).toBe(false);
  });
});

describe('A place that is no spool', () => {
  const refused = (path: string, code: string) => {
    expect(() => spoolAt(path)).toThrow(expect.objectContaining({ code }));
  };

  it('is refused and left as it is: the database itself', async () => {
    const path = spoolPath('indelible.db');
    await openSqliteStore(path).close();
    refused(path, 'spool_unavailable');
    await openSqliteStore(path).close();
  });

  it('is refused: a directory, a file in a file, some text', () => {
    const path = spoolPath();
    mkdirSync(path);
    refused(path, 'spool_unavailable');
    const text = join(dirname(path), 'text');
    writeFileSync(text, 'It is not a database, and long enough to be none. '.repeat(200));
    refused(text, 'spool_damaged');
    refused(join(text, 'a.spool'), 'spool_unavailable');
  });

  it('is refused: a spool of a newer version', () => {
    const path = spoolPath();
    spoolAt(path).close();
    const db = new DatabaseSync(path);
    db.exec('PRAGMA user_version = 2');
    db.close();
    refused(path, 'schema_too_new');
  });
});

describe('A spool whose file was taken away', () => {
  it('P3: acknowledges nothing into a file that is not there, and goes on when it is put back', () => {
    const path = spoolPath();
    const spool = spoolAt(path);
    spool.append([spooledMessage(1)]);
    renameSync(path, `${path}.away`);
    const append = () => spool.append([spooledMessage(2)]);
    expect(append).toThrow(expect.objectContaining({ code: 'spool_unavailable' }));
    writeFileSync(path, '');
    expect(append).toThrow(expect.objectContaining({ code: 'spool_unavailable' }));
    renameSync(`${path}.away`, path);
    append();
    expect(allWaiting(spool)).toEqual(spooledMessages(1, 2));
  });

  it('P3: acknowledges nothing when its lock is gone, since another process may own it now', () => {
    const path = spoolPath();
    const spool = spoolAt(path);
    renameSync(`${path}.owner`, `${path}.gone`);
    expect(() => spool.append([spooledMessage(1)])).toThrow(expect.objectContaining({ code: 'spool_unavailable' }));
  });
});

describe('A write that fails', () => {
  afterEach(() => void vi.restoreAllMocks());

  /** Lets `COMMIT` do its work, or not, and fail. */
  function failCommits(works: boolean): void {
    const exec = DatabaseSync.prototype.exec;
    vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, sql: string) {
      if (sql !== 'COMMIT') return exec.call(this, sql);
      if (works) exec.call(this, sql);
      throw Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 1034 });
    });
  }

  it.each([true, false])('P3: is not accepted, also if it reached the disk (%s), and the next one is', (works) => {
    const spool = spoolAt(spoolPath());
    const [kept] = spool.append([spooledMessage(1)]);
    failCommits(works);
    expect(() => spool.append(spooledMessages(2, 9))).toThrow(expect.objectContaining({ code: 'spool_unavailable' }));
    expect(() => spool.append(spooledMessages(2, 9))).toThrow(expect.objectContaining({ code: 'spool_unavailable' }));
    expect(spool).toMatchObject({ depth: 1 });
    vi.restoreAllMocks();
    const [id] = spool.append([spooledMessage(10)]);
    expect(id).toBeGreaterThan(kept as number);
    expect(allWaiting(spool)).toEqual([spooledMessage(1), spooledMessage(10)]);
    expect(spool.depth).toBe(2);
  });

  it.each([true, false])('of a removal leaves the counts true, whether it happened (%s) or not', (works) => {
    const spool = spoolAt(spoolPath());
    const ids = spool.append(spooledMessages(1, 5));
    failCommits(works);
    expect(() => spool.remove(ids.slice(0, 2))).toThrow(expect.objectContaining({ code: 'spool_unavailable' }));
    expect(() => spool.setAside(ids[2] as number, poison)).toThrow(
      expect.objectContaining({ code: 'spool_unavailable' }),
    );
    vi.restoreAllMocks();
    const waiting = allWaiting(spool);
    expect(waiting).toHaveLength(works ? 2 : 5);
    expect(spool.depth).toBe(waiting.length);
    spool.remove(ids);
    expect(spool).toMatchObject({ depth: 0, setAsideCount: works ? 1 : 0 });
  });

  it('is followed by a connection of its own: nothing is flushed again on the one that failed', () => {
    const spool = spoolAt(spoolPath());
    spool.append([spooledMessage(1)]);
    failCommits(false);
    expect(() => spool.append([spooledMessage(2)])).toThrow();
    vi.restoreAllMocks();
    const used = new Set<DatabaseSync>();
    const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare');
    spool.append([spooledMessage(3)]);
    for (const db of prepare.mock.contexts) used.add(db as DatabaseSync);
    expect(used.size).toBe(1);
    expect(prepare.mock.calls.flat()).toContain('PRAGMA wal_checkpoint(TRUNCATE)');
  });
});

describe('A full disk', { timeout: 60_000 }, () => {
  const program = fileURLToPath(new URL('./spoolOnFullDisk.ts', import.meta.url));
  const canLimit = existsSync('/usr/bin/prlimit');

  it.skipIf(!canLimit)(
    'P3: is told as spool_unavailable, nothing is acknowledged by mistake, and it works again with room',
    () => {
      const path = spoolPath();
      const { stdout, stderr } = spawnSync(process.execPath, [program, path], { encoding: 'utf8' });
      expect(stderr).toBe('');
      const { acknowledged, codes, after } = JSON.parse(stdout) as {
        acknowledged: number[];
        codes: string[];
        after: number[];
      };
      expect(new Set(codes)).toEqual(new Set(['spool_unavailable']));
      expect(codes.length).toBeGreaterThan(3);
      expect(acknowledged.length).toBeGreaterThan(10);
      expect(allWaiting(spoolAt(path))).toEqual([...acknowledged, ...after].map(spooledMessage));
    },
  );
});
