import { describe, expect, it } from 'vitest';
import { LogPages } from '../../src/feed/logPages.ts';
import type { StoredMessage } from '../../src/protocol/message.ts';
import type { LogPosition, MessageLog } from '../../src/store/messageLog.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { asStored, oneTo, sample } from '../../src/testing/contract/sampleMessages.ts';
import { ManualClock } from '../../src/testing/manualClock.ts';

/** A log on SQLite that counts how often it is read, and may be slow. */
async function countedLog(count: number, body = (place: number) => `m${place}`) {
  const store = openSqliteStore(':memory:');
  if (count > 0) await store.log.append(oneTo(count).map((place) => sample(body(place))));
  const counted = { reads: 0, epoch: store.log.epoch };
  const log: Pick<MessageLog, 'read' | 'epoch'> = {
    get epoch() {
      return counted.epoch;
    },
    async read(planId, after, limit) {
      counted.reads++;
      await new Promise((resolve) => setImmediate(resolve));
      return store.log.read(planId, after, limit);
    },
  };
  return { store, counted, log };
}

async function readAll(pages: LogPages, from: LogPosition, head?: LogPosition): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  for (let position = from, more = true; more; ) {
    const page = await pages.read('plan', position, head);
    messages.push(...page.messages);
    ({ position, more } = page);
  }
  return messages;
}

const maxBytes = 64 * 1024 * 1024;
const sequences = (messages: readonly StoredMessage[]) => messages.map(({ sequence }) => sequence);
const start = { sequence: 0, revision: 0 };

describe('Pages of the log', () => {
  it('that a thousand readers ask for at once are each read once, and are the same objects for all', async () => {
    const { log, counted } = await countedLog(1_000);
    const pages = new LogPages({ log, clock: new ManualClock(), maxBytes });
    const head = { sequence: 1_000, revision: 0 };
    const firsts = new Set<unknown>();
    const all = await Promise.all(
      oneTo(1_000).map(async () => {
        firsts.add((await pages.read('plan', start, head)).messages);
        return sequences(await readAll(pages, start, head));
      }),
    );
    expect(all.every((seen) => seen.length === 1_000 && seen.every((sequence, index) => sequence === index + 1))).toBe(
      true,
    );
    expect(counted.reads).toBe(4);
    expect(firsts.size).toBe(1);
  });

  it('of a short plan are read once for all who come back and know where it ends', async () => {
    const { log, counted } = await countedLog(100);
    const pages = new LogPages({ log, clock: new ManualClock(), maxBytes });
    const head = { sequence: 100, revision: 0 };
    for (const from of [0, 90, 99, 100, 0, 50]) {
      const seen = await readAll(pages, { sequence: from, revision: 0 }, head);
      expect(sequences(seen)).toEqual(oneTo(100).slice(from));
    }
    expect(counted.reads).toBe(1);
  });

  it('that were the last ones of their plan are read again for a reader that knows that more came', async () => {
    const { store, log } = await countedLog(100);
    const pages = new LogPages({ log, clock: new ManualClock(), maxBytes });
    await readAll(pages, start, { sequence: 100, revision: 0 });
    await store.log.append(oneTo(5).map((place) => sample(`more${place}`)));
    const seen = await readAll(pages, start, { sequence: 105, revision: 0 });
    expect(sequences(seen)).toEqual(oneTo(105));
  });

  it('from anywhere are those of the grid, without what the reader has', async () => {
    const { log, counted } = await countedLog(600);
    const pages = new LogPages({ log, clock: new ManualClock(), maxBytes });
    const head = { sequence: 600, revision: 0 };
    for (const from of [0, 1, 249, 250, 251, 499, 500, 599]) {
      expect(sequences(await readAll(pages, { sequence: from, revision: 0 }, head))).toEqual(oneTo(600).slice(from));
    }
    expect(counted.reads).toBe(3);
  });

  it('are read anew for a reader that has seen a later revision, and say what the log says', async () => {
    const { store, log } = await countedLog(300);
    const pages = new LogPages({ log, clock: new ManualClock(), maxBytes });
    await readAll(pages, start);
    await store.log.update(sample('m7', { content: 'edited' }), 1);
    const [stale] = await readAll(pages, { sequence: 6, revision: 0 });
    expect(stale?.version, 'an update that is yet to come is no news').toBe(1);
    const [fresh] = await readAll(pages, { sequence: 6, revision: 1 });
    expect(fresh?.version).toBe(2);
  });

  it('that an update of this process touches are dropped, others serve readers at its revision', async () => {
    const { store, log, counted } = await countedLog(500);
    const pages = new LogPages({ log, clock: new ManualClock(), maxBytes });
    store.log.onCommit((commits) => {
      if (commits !== 'unknown') for (const commit of commits) pages.committed(commit);
    });
    const head = { sequence: 500, revision: 1 };
    await readAll(pages, start, { sequence: 500, revision: 0 });
    await store.log.update(sample('m7', { content: 'edited' }), 1);
    const before = counted.reads;
    const seen = await readAll(pages, { sequence: 0, revision: 1 }, head);
    expect(seen.map(({ version }) => version).filter((version) => version === 2)).toHaveLength(1);
    expect(counted.reads - before).toBe(1);
  });

  it('are kept within their budget, the ones that were longest not asked for going first', async () => {
    const { log, counted } = await countedLog(2_000);
    const onePage = 250 * 3 * 700;
    const pages = new LogPages({ log, clock: new ManualClock(), maxBytes: 2 * onePage });
    const head = { sequence: 2_000, revision: 0 };
    await readAll(pages, start, head);
    const once = counted.reads;
    await readAll(pages, start, head);
    expect(counted.reads, 'the first ones went').toBeGreaterThan(once);
    await pages.read('plan', { sequence: 1_750, revision: 0 }, head);
    const known = counted.reads;
    await pages.read('plan', { sequence: 1_750, revision: 0 }, head);
    expect(counted.reads, 'the last one is there').toBe(known);
  });

  it('are read anew when they are old, and when the log is another one', async () => {
    const { log, counted } = await countedLog(250);
    const clock = new ManualClock();
    const pages = new LogPages({ log, clock, maxBytes });
    const readFirst = async () => {
      const before = counted.reads;
      await pages.read('plan', start);
      return counted.reads - before;
    };
    expect([await readFirst(), await readFirst()]).toEqual([1, 0]);
    clock.advance(10_001);
    expect([await readFirst(), await readFirst()]).toEqual([1, 0]);
    counted.epoch = 'another';
    expect([await readFirst(), await readFirst()]).toEqual([1, 0]);
  });

  it('that are full by size are shared too', async () => {
    const store = openSqliteStore(':memory:');
    await store.log.append(oneTo(12).map((place) => sample(`m${place}`, { content: 'x'.repeat(1_000_000) })));
    let reads = 0;
    const log: Pick<MessageLog, 'read' | 'epoch'> = {
      epoch: store.log.epoch,
      read: (...args) => {
        reads++;
        return store.log.read(...args);
      },
    };
    const pages = new LogPages({ log, clock: new ManualClock(), maxBytes });
    for (let times = 0; times < 3; times++) {
      for (const from of [0, 4, 6, 11]) {
        const seen = await readAll(pages, { sequence: from, revision: 0 }, { sequence: 12, revision: 0 });
        expect(sequences(seen)).toEqual(oneTo(12).slice(from));
      }
    }
    expect(reads).toBeLessThan(10);
  });

  it('whose read fails fail all who wait for it, and are read again by who asks again', async () => {
    let fails = true;
    const log: Pick<MessageLog, 'read' | 'epoch'> = {
      epoch: 'one',
      read: async (_plan, after) => {
        if (fails) throw new Error('away');
        return {
          messages: [asStored(sample('m1'), 1)],
          updates: [],
          position: { ...after, sequence: 1 },
          trimmed: 0,
          more: false,
        };
      },
    };
    const pages = new LogPages({ log, clock: new ManualClock(), maxBytes });
    const asked = await Promise.allSettled([pages.read('plan', start), pages.read('plan', start)]);
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    fails = false;
    expect((await pages.read('plan', start)).messages).toHaveLength(1);
  });
});
