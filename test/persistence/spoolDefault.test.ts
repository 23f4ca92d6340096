import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openIndelible } from '../../src/agents/indelible.ts';
import type { IndelibleEvent } from '../../src/observe/events.ts';
import { defaultSpoolPath, openDefaultSpool } from '../../src/persistence/spool/defaultSpool.ts';
import { OwnedFile } from '../../src/persistence/spool/ownedFile.ts';
import { SpoolDesk } from '../../src/persistence/spool/spoolDesk.ts';
import { IndelibleError } from '../../src/protocol/errors.ts';
import { allWaiting, spoolAt, spoolPath } from './spooled.ts';
import { noon, spooledMessage, spooledMessages } from './spooledMessage.ts';

describe('The spool of a store that names none', () => {
  it('is beside the file of the database, in the working directory for PostgreSQL, and not there for one in memory', () => {
    expect(defaultSpoolPath('sqlite:./data/indelible.db')).toBe('./data/indelible.db.spool');
    const paths = ['user@host/agents', 'user@host/others', 'user@other/agents', 'user@host:5433/agents'].map((place) =>
      defaultSpoolPath(`postgres://${place}`),
    );
    for (const path of paths) expect(path).toMatch(/^\.\/indelible-[0-9a-f]{8}\.spool$/);
    // What waits for one database must never go into another; who asks, and how, makes no difference.
    expect(new Set(paths).size).toBe(4);
    expect(defaultSpoolPath('postgres://another:secret@host:5432/agents?sslmode=require')).toBe(paths[0]);
    expect(defaultSpoolPath('sqlite::memory:')).toBeUndefined();
  });

  it('is the first that no living process owns, of sixteen', () => {
    const base = spoolPath();
    const paths = Array.from({ length: 16 }, () => opened(base).path);
    expect(paths).toEqual([base, ...Array.from({ length: 15 }, (_, index) => `${base}.${index + 2}`)]);
    expect(() => opened(base)).toThrow(expect.objectContaining({ code: 'spool_in_use' }));
  });

  it('takes in what dead owners left in the others, each in its order, with when and why', () => {
    const base = spoolPath();
    const own = spoolAt(base);
    own.append(spooledMessages(1, 3));
    own.close();
    const other = spoolAt(`${base}.2`, { now: () => noon - 60_000 });
    const ids = other.append(spooledMessages(11, 5_000));
    other.setAside(ids[0] as number, new IndelibleError('message_conflict', { message: 'It says something else.' }));
    other.keepAside(spooledMessage(6_000), new IndelibleError('store_refused'));
    other.close();
    const alive = spoolAt(`${base}.3`);
    alive.append([spooledMessage(7_000)]);

    const { spool, path, adopted, left } = opened(base);
    expect({ path, adopted, left }).toEqual({ path: base, adopted: 4_989, left: [] });
    expect(allWaiting(spool)).toEqual([...spooledMessages(1, 3), ...spooledMessages(12, 5_000)]);
    expect(spool).toMatchObject({ depth: 4_992, setAsideCount: 2 });
    expect(spool.read(1, 1, spool.read(3, 1e6).at(-1)?.id)[0]?.acceptedAt).toBe(noon - 60_000);
    const desk = new SpoolDesk(base);
    onTestFinished(() => desk.close());
    expect(desk.overview().aside).toEqual([
      expect.objectContaining({
        messageId: 'm-11',
        code: 'message_conflict',
        text: 'It says something else.',
        since: noon - 60_000,
        intact: true,
      }),
      expect.objectContaining({ messageId: 'm-6000', code: 'store_refused', intact: true }),
    ]);
    expect(spoolAt(`${base}.2`)).toMatchObject({ depth: 0, setAsideCount: 0, size: 0 });
    expect(allWaiting(alive)).toEqual([spooledMessage(7_000)]);
  });

  it('P3: has at least one of two copies when it dies while it takes in, and a message twice only with one id', () => {
    const base = spoolPath();
    const other = spoolAt(`${base}.2`);
    other.append(spooledMessages(1, 5_000));
    other.close();
    // The second batch is written, and the process ends before it is removed from where it was.
    const write = OwnedFile.prototype.write;
    let writes = 0;
    vi.spyOn(OwnedFile.prototype, 'write').mockImplementation(function (this: OwnedFile, ...call) {
      writes += 1;
      if (writes === 4) throw new Error('the end of the process');
      return write.apply(this, call as Parameters<typeof write>) as never;
    });
    expect(() => openDefaultSpool(base, options)).toThrow('the end of the process');
    vi.restoreAllMocks();
    const there = allWaiting(opened(base).spool).map(({ messageId }) => messageId);
    expect(new Set(there).size).toBe(5_000);
    expect(there.length).toBe(7_000);
  });

  it('leaves a spool that it cannot take in where it is, says why, and works', () => {
    const base = spoolPath();
    const other = spoolAt(`${base}.2`);
    other.append(spooledMessages(1, 3));
    other.close();
    vi.spyOn(OwnedFile.prototype, 'write').mockImplementationOnce(() => {
      throw new IndelibleError('spool_unavailable');
    });
    const { spool, adopted, left } = opened(base);
    vi.restoreAllMocks();
    expect(adopted).toBe(0);
    expect(left).toEqual([{ path: `${base}.2`, error: expect.objectContaining({ code: 'spool_unavailable' }) }]);
    spool.append([spooledMessage(4)]);
    spool.close();
    expect(allWaiting(opened(base).spool)).toEqual([spooledMessage(4), ...spooledMessages(1, 3)]);
  });

  it('is told of by whoever opens a log, where it cannot take in what dead owners left', async () => {
    const base = spoolPath('log.db.spool');
    const other = spoolAt(`${base}.2`);
    other.append(spooledMessages(1, 3));
    other.close();
    vi.spyOn(OwnedFile.prototype, 'write').mockImplementationOnce(() => {
      throw new IndelibleError('spool_unavailable');
    });
    const told: IndelibleEvent[] = [];
    const store = `sqlite:${base.slice(0, -'.spool'.length)}`;
    const indelible = await openIndelible({ store, observe: (event) => void told.push(event) });
    vi.restoreAllMocks();
    await indelible.close();
    expect(told).toContainEqual(expect.objectContaining({ type: 'spool_left', path: `${base}.2` }));
  });
});

const options = { maxBytes: 1e9, now: () => noon };

function opened(base: string) {
  const result = openDefaultSpool(base, options);
  onTestFinished(() => result.spool.close());
  return result;
}
