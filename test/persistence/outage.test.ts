import type { Fault } from 'indelible/testing';
import { describe, expect, it } from 'vitest';
import type { IndelibleEvent } from '../../src/observe/events.ts';
import type { PersistenceOptions } from '../../src/persistence/messagePersistenceService.ts';
import { readAll } from '../../src/store/readAll.ts';
import { settle } from './manualClock.ts';
import { MemoryDisk, MemorySpool } from './memorySpool.ts';
import { message, messages, type Setup, setUp, storedIds } from './service.ts';

interface Spooling extends Setup {
  readonly spool: MemorySpool;
  readonly shown: string[];
}

/** A service with a spool, whose breaker is as in production but for its pauses: at most 100 ms. */
function spooling(options: Partial<PersistenceOptions> = {}, spool = new MemorySpool()): Spooling {
  const shown: string[] = [];
  const set = setUp({
    spool,
    spooled: ({ messageId }) => void shown.push(messageId),
    failuresToOpen: 5,
    attemptMs: 1_000,
    openBackoff: { initialDelayMs: 20, maxDelayMs: 100 },
    ...options,
  });
  return { ...set, spool, shown };
}

function types(events: readonly IndelibleEvent[]): string[] {
  return events.map(({ type }) => type).filter((type) => type !== 'batch_retried');
}

describe('while the database is away', () => {
  it.each(['refuse', 'hang'] as const)(
    'P9: a save is answered within a second, and once that is known within 50 ms, spooled (%s)',
    async (fault) => {
      const { service, faults, clock } = spooling();
      faults[fault]();
      const first = service.save(message('m1'));
      await clock.pass(1_000);
      expect(await first).toMatchObject({
        status: 'spooled',
        error: { code: 'spooled' },
        message: { messageId: 'm1' },
      });
      for (let index = 2; index <= 40; index++) {
        const save = service.save(message(`m${index}`));
        await clock.pass(50);
        expect((await save).status).toBe('spooled');
      }
    },
  );

  it('opens at once where connections fail at once, and does not wait for the deadline', async () => {
    const { service, faults, clock } = spooling();
    faults.refuse();
    const save = service.save(message('m1'));
    await clock.pass(400);
    expect((await save).status).toBe('spooled');
  });

  it('P4: what was spooled is stored in its order when the database is back, and only then is its plan direct again', async () => {
    const { service, faults, clock, store, events, spool } = spooling();
    await service.save(message('m0'));
    faults.refuse();
    const saves = messages(20).map((one) => service.save(one));
    await clock.pass(1_000);
    expect((await Promise.all(saves)).map(({ status }) => status)).toEqual(Array(20).fill('spooled'));
    faults.heal();
    await clock.pass(2_000);
    expect(spool.depth).toBe(0);
    expect((await service.save(message('last'))).status).toBe('stored');
    expect(await storedIds(store)).toEqual(['m0', ...messages(20).map(({ messageId }) => messageId), 'last']);
    expect(types(events)).toEqual([
      'message_stored',
      'outage_began',
      ...Array(20).fill('message_spooled'),
      ...Array(20).fill('message_stored'),
      'outage_ended',
      'message_stored',
    ]);
    expect(events.find(({ type }) => type === 'outage_ended')).toMatchObject({ drained: 20, setAside: 0 });
    expect(service.statistics()).toMatchObject({ stored: 22, spooled: 20, drained: 20, refused: 0, successRate: 1 });
  });

  it('shows what is spooled at once, in its order', async () => {
    const { service, faults, clock, shown } = spooling();
    faults.hang();
    void service.saveAll(messages(5));
    await clock.pass(1_001);
    expect(shown).toEqual(['m1', 'm2', 'm3', 'm4', 'm5']);
  });

  it('P22: lets one try through at a time, with a thousand saves waiting', async () => {
    const { service, faults, clock, batches } = spooling();
    let atOnce = 0;
    let most = 0;
    let tries = 0;
    faults.script = async (): Promise<Fault> => {
      tries++;
      most = Math.max(most, ++atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce--;
      return 'unavailable';
    };
    const saves = Array.from({ length: 1_000 }, (_, index) =>
      service.save(message(`m${index}`, { planId: `p${index % 50}` })),
    );
    await clock.pass(1_000);
    expect((await Promise.all(saves)).every(({ status }) => status === 'spooled')).toBe(true);
    expect(service.outage().breaker).not.toBe('closed');
    tries = most = 0;
    await clock.pass(2_000);
    expect(most).toBe(1);
    expect(tries).toBeGreaterThan(10);
    expect(batches).toEqual([]);
  });

  it('an answer that comes after its save was spooled still counts: the message leaves the disk, stored once', async () => {
    const { service, faults, clock, store, spool, batches } = spooling();
    faults.hang();
    const save = service.save(message('m1'));
    await clock.pass(1_001);
    expect((await save).status).toBe('spooled');
    expect(spool.depth).toBe(1);
    faults.heal();
    await clock.pass(2_000);
    expect(spool.depth).toBe(0);
    expect(batches.length).toBeGreaterThan(0);
    expect(await storedIds(store)).toEqual(['m1']);
  });

  it('closing does not wait for it: what waits in memory goes to disk, and the next process stores it first', async () => {
    const disk = new MemoryDisk();
    const { service, faults, clock } = spooling({}, new MemorySpool(disk));
    faults.hang();
    const saves = service.saveAll(messages(3));
    const closing = service.close(300);
    await clock.pass(301);
    await closing;
    expect((await saves).map(({ status }) => status)).toEqual(['spooled', 'spooled', 'spooled']);
    const next = spooling({}, new MemorySpool(disk));
    const late = next.service.save(message('m4'));
    await next.clock.pass(1_000);
    expect((await late).status).not.toBe('refused');
    expect(await storedIds(next.store)).toEqual(['m1', 'm2', 'm3', 'm4']);
    expect(next.events.find(({ type }) => type === 'outage_ended')).toMatchObject({ drained: 3 });
  });

  it('is told in the answers of the pair of database and socket', async () => {
    const { service, faults, clock } = spooling();
    faults.hang();
    const outage = () => service.outage();
    void service.save(message('m1'));
    await clock.pass(1_001);
    expect(outage()).toMatchObject({ canSpool: true, depth: 1, setAside: 0 });
    expect(outage().breaker).not.toBe('closed');
  });
});

describe('the drain', () => {
  it('P10: sets a message aside that the database refuses, with why, and the others flow in their order', async () => {
    const { service, faults, clock, store, spool, events } = spooling({ maxBatch: 7 });
    faults.refuse();
    void service.saveAll(messages(30));
    await clock.pass(1_000);
    faults.heal();
    faults.poison('m3', 'm17', 'm30');
    await clock.pass(3_000);
    const poisoned = ['m3', 'm17', 'm30'];
    const others = messages(30).flatMap(({ messageId }) => (poisoned.includes(messageId) ? [] : [messageId]));
    expect(await storedIds(store)).toEqual(others);
    expect([spool.depth, spool.setAsideCount]).toEqual([0, 3]);
    const aside = events.flatMap((event) => (event.type === 'message_set_aside' ? [event.messageId] : []));
    expect(aside).toEqual(poisoned);
    expect(events.find(({ type }) => type === 'outage_ended')).toMatchObject({ drained: 27, setAside: 3 });
  });

  it('sets a conflict aside: it was acknowledged, and its id was taken meanwhile', async () => {
    const { service, faults, clock, store, spool } = spooling();
    faults.refuse();
    void service.save(message('taken', { content: 'spooled' }));
    await clock.pass(1_000);
    await store.log.append([{ planId: 'plan', messageId: 'taken', body: other }]);
    faults.heal();
    await clock.pass(2_000);
    expect([spool.depth, spool.setAsideCount]).toEqual([0, 1]);
  });

  it('P10: ends also where the database comes back too slow for large batches: it writes less at once', async () => {
    const { service, faults, clock, store, spool } = spooling();
    faults.refuse();
    void service.saveAll(messages(3_000));
    await clock.pass(1_000);
    expect(spool.depth).toBe(3_000);
    faults.heal();
    // As a database that is short of everything: it works on it, and gives up when its own time is over.
    faults.script = async ({ messages: batch }): Promise<Fault> => {
      if (batch.length <= 100) return 'none';
      await new Promise<void>((resolve) => clock.schedule(5_000, resolve));
      return 'unavailable';
    };
    await clock.pass(120_000);
    expect(spool.depth).toBe(0);
    expect(await storedIds(store)).toEqual(messages(3_000).map(({ messageId }) => messageId));
  });

  it('puts a spooled whole answer in place of what others made of its draft meanwhile', async () => {
    const { service, faults, clock, store, spool } = spooling();
    faults.refuse();
    void service.save(message('answer', { content: 'The whole answer.' }));
    await clock.pass(1_000);
    const part = other.replaceAll('taken', 'answer').replace('"metadata":{}', '"metadata":{"interrupted":true}');
    await store.log.append([{ planId: 'plan', messageId: 'answer', body: part }]);
    faults.heal();
    await clock.pass(2_000);
    expect([spool.depth, spool.setAsideCount]).toEqual([0, 0]);
    const [stored] = await Array.fromAsync(readAll(store.log, 'plan'));
    expect(stored).toMatchObject({ sequence: 1, version: 2 });
    expect(stored?.body).toContain('The whole answer.');
  });

  it('goes on while plans without records are written directly', async () => {
    const { service, faults, clock, store, spool } = spooling({ maxBatch: 2 });
    faults.refuse();
    void service.saveAll(messages(200, { planId: 'behind' }));
    await clock.pass(1_000);
    faults.heal();
    let direct = 0;
    faults.script = async (): Promise<Fault> => {
      await settle();
      return 'none';
    };
    while (service.outage().breaker !== 'closed') await clock.pass(1);
    while (spool.depth > 0) {
      expect((await service.save(message(`direct-${direct++}`, { planId: 'live' }))).status).toBe('stored');
    }
    expect(direct).toBeGreaterThan(1);
    expect(await storedIds(store, 'behind')).toEqual(messages(200).map(({ messageId }) => messageId));
  });

  it('ends although its plan is written all the time', async () => {
    const { service, faults, clock, spool, store } = spooling();
    faults.refuse();
    void service.saveAll(messages(20));
    await clock.pass(1_000);
    faults.heal();
    const statuses: string[] = [];
    for (let index = 0; index < 300 && statuses.at(-1) !== 'stored'; index++) {
      const save = service.save(message(`during-${index}`));
      await clock.pass(1);
      statuses.push((await save).status);
    }
    expect(statuses.at(-1)).toBe('stored');
    expect(spool.depth).toBe(0);
    expect(await storedIds(store)).toHaveLength(20 + statuses.length);
  });

  it('writes the same records again where the disk cannot forget them, and stores each once', async () => {
    const { service, faults, clock, store, spool } = spooling();
    faults.refuse();
    void service.saveAll(messages(5));
    await clock.pass(1_000);
    faults.heal();
    const remove = spool.remove.bind(spool);
    let failures = 3;
    spool.remove = (ids) => {
      if (failures-- > 0) throw new Error('no space to forget');
      return remove(ids);
    };
    await clock.pass(3_000);
    expect(spool.depth).toBe(0);
    expect(await storedIds(store)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5']);
  });
});

describe('a spool', () => {
  it('that is full refuses what was never tried, says so, and takes again when there is room', async () => {
    const size = 400;
    const { service, faults, clock, store, spool } = spooling(
      {},
      new MemorySpool(new MemoryDisk(), { maxSize: size * 3 }),
    );
    faults.refuse();
    await clock.pass(1);
    void service.save(message('m0'));
    await clock.pass(1_000);
    const results = await (async () => {
      const saves = messages(20).map((one) => service.save(one));
      await clock.pass(60);
      return Promise.all(saves);
    })();
    const statuses = results.map(({ status }) => status);
    expect(statuses).toContain('spooled');
    expect(statuses).toContain('refused');
    expect(results.find(({ status }) => status === 'refused')).toMatchObject({
      error: { code: 'spool_full', status: 503 },
    });
    faults.heal();
    await clock.pass(2_000);
    expect(spool.depth).toBe(0);
    expect((await service.save(message('after'))).status).toBe('stored');
    const spooled = messages(20).flatMap(({ messageId }, index) => (statuses[index] === 'spooled' ? [messageId] : []));
    expect(await storedIds(store)).toEqual(['m0', ...spooled, 'after']);
  });

  it('P4: that has no room for a message that may be stored already lets none of its plan pass it, however small', async () => {
    const { service, faults, clock, store } = spooling({}, new MemorySpool(new MemoryDisk(), { maxSize: 1_000 }));
    // The first try fails; the second is lost, and given up a while after the save was answered.
    let tries = 0;
    const lost = new Promise<Fault>(() => {});
    faults.script = () => (tries++ === 0 ? 'unavailable' : lost);
    const large = service.save(message('large', { content: 'x'.repeat(2_000) }));
    await clock.pass(1_000);
    expect((await large).status).toBe('pending');
    const small = service.save(message('small'));
    await clock.pass(60);
    expect(await small).toMatchObject({ status: 'refused', error: { code: 'spool_full' } });
    faults.heal();
    await clock.pass(3_000);
    expect((await service.save(message('after'))).status).toBe('stored');
    expect(await storedIds(store)).toEqual(['large', 'after']);
  });

  it('P11: that cannot be written acknowledges nothing: saves answer pending, wait in memory, and keep their order', async () => {
    const { service, faults, clock, store, spool } = spooling();
    spool.disk.broken = true;
    faults.refuse();
    const saves = service.saveAll(messages(5));
    await clock.pass(1_000);
    expect((await saves).map(({ status }) => status)).toEqual(Array(5).fill('pending'));
    spool.disk.broken = false;
    const later = service.save(message('m6'));
    await clock.pass(60);
    expect((await later).status).toBe('spooled');
    faults.heal();
    await clock.pass(3_000);
    expect(service.queued).toBe(0);
    expect(await storedIds(store)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm6']);
  });
});

describe('that messages can be kept on disk', () => {
  it('is not said of a full spool until there is room again, nor of a disk that fails until it takes something', async () => {
    const { service, faults, clock, spool } = spooling({}, new MemorySpool(new MemoryDisk(), { maxSize: 1_000 }));
    const canSpool = () => service.outage().canSpool;
    expect(canSpool()).toBe(true);
    faults.refuse();
    void service.saveAll(messages(20));
    await clock.pass(1_000);
    expect(canSpool()).toBe(false);
    faults.heal();
    await clock.pass(3_000);
    expect(service.outage()).toMatchObject({ canSpool: true, depth: 0, breaker: 'closed' });
    spool.disk.broken = true;
    faults.refuse();
    void service.save(message('m21'));
    await clock.pass(1_000);
    expect(canSpool()).toBe(false);
    spool.disk.broken = false;
    await clock.pass(200);
    expect(service.outage()).toMatchObject({ canSpool: true, depth: 1 });
  });
});

describe('a message that the database refuses for good', () => {
  it('is refused to its caller, and kept on disk all the same: nobody may look at the answer', async () => {
    const { service, faults, spool, events } = spooling();
    faults.poison('m2');
    const results = await service.saveAll(messages(3));
    expect(results.map(({ status }) => status)).toEqual(['stored', 'refused', 'stored']);
    expect([spool.depth, spool.setAsideCount]).toEqual([0, 1]);
    expect(types(events)).toContain('message_set_aside');
  });

  it('and conflicts, and bad input, never open the breaker', async () => {
    const { service, faults } = spooling();
    await service.save(message('taken', { content: 'first' }));
    faults.poison(...messages(30).map(({ messageId }) => messageId));
    for (const one of messages(30)) {
      await service.save(one);
      await service.save(message('taken', { content: 'second' }));
      await service.save({} as never);
    }
    expect(service.outage().breaker).toBe('closed');
  });

  it('is not called refused if an earlier try, whose answer was lost, has stored it', async () => {
    const { service, faults, clock, store } = spooling();
    faults.loseAnswers();
    const save = service.save(message('m1'));
    await settle();
    faults.poison('m1');
    await clock.pass(500);
    expect(await save).toMatchObject({ status: 'stored', duplicate: true, message: { sequence: 1 } });
    expect(await storedIds(store)).toEqual(['m1']);
  });
});

const other =
  '{"timestamp":"2026-11-25T10:00:00.000Z","type":"agent_message","agent_name":"a","message_id":"taken","plan_id":"plan","agent_type":"agent","content":"other","metadata":{}}';
