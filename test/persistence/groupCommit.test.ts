import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { IndelibleError } from 'indelible/protocol';
import type { Fault } from 'indelible/testing';
import { describe, expect, it } from 'vitest';
import type { IndelibleEvent } from '../../src/observe/events.ts';
import { settle } from './manualClock.ts';
import { message, messages, setUp, storedIds } from './service.ts';

describe('group commit gathers', () => {
  it('all that is saved in one turn into one batch, in order', async () => {
    const { service, batches } = setUp();
    const results = await Promise.all(messages(50).map((one) => service.save(one)));
    expect(batches).toEqual([messages(50).map(({ messageId }) => messageId)]);
    expect(results.map((result) => result.status === 'stored' && result.message.sequence)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
  });

  it('what is saved while a batch is being written into the next one', async () => {
    const { service, faults, batches, store } = setUp();
    faults.hang();
    const first = service.save(message('m1'));
    await settle();
    const others = ['m2', 'm3', 'm4'].map((id) => service.save(message(id)));
    await settle();
    expect(batches).toEqual([]);
    faults.heal();
    await Promise.all([first, ...others]);
    expect(batches).toEqual([['m1'], ['m2', 'm3', 'm4']]);
    expect(await storedIds(store)).toEqual(['m1', 'm2', 'm3', 'm4']);
  });

  it('never more than its limit, and never has two batches in flight', async () => {
    const { service, faults, batches } = setUp({ maxBatch: 10 });
    let inFlight = 0;
    let most = 0;
    faults.script = async (): Promise<Fault> => {
      most = Math.max(most, ++inFlight);
      await settle();
      inFlight--;
      return 'none';
    };
    await service.saveAll(messages(35));
    expect(batches.map((batch) => batch.length)).toEqual([10, 10, 10, 5]);
    expect(most).toBe(1);
  });

  it('not more than 16 MiB at once, but one larger message all the same', async () => {
    const { service, batches } = setUp({ maxMessageBytes: 64 * 1024 * 1024 });
    const large = 'x'.repeat(10 * 1024 * 1024);
    const sizes = [large, large, large + large, 'small', 'small'];
    const results = await service.saveAll(sizes.map((content, index) => message(`m${index}`, { content })));
    expect(results.map(({ status }) => status)).toEqual(Array(5).fill('stored'));
    expect(batches).toEqual([['m0'], ['m1'], ['m2'], ['m3', 'm4']]);
  });
});

describe('while the database is away, group commit', () => {
  it('tries the same batch again after a pause that grows, and then goes on in order', async () => {
    const { service, faults, clock, events, store } = setUp();
    faults.refuse();
    const first = service.save(message('m1'));
    await clock.pass(300);
    const second = service.save(message('m2'));
    await clock.pass(300);
    faults.heal();
    await clock.pass(200);
    expect(await first).toMatchObject({ status: 'stored', duplicate: false });
    expect(await second).toMatchObject({ status: 'stored', retries: 0 });
    expect(await storedIds(store)).toEqual(['m1', 'm2']);
    const retried = events.filter((event) => event.type === 'batch_retried');
    expect(retried.length).toBeGreaterThan(2);
    expect(retried.map(({ attempt }) => attempt)).toEqual(retried.map((_, index) => index + 1));
    expect(retried.every(({ size, error }) => size === 1 && IndelibleError.is(error, 'store_unavailable'))).toBe(true);
    expect((await first).retries).toBe(retried.length);
  });

  it('pauses at most as long as configured, however long it takes', async () => {
    const { service, faults, clock, events } = setUp();
    faults.refuse();
    const save = service.save(message('m1'));
    await clock.pass(5_000);
    const delays = events.flatMap((event) => (event.type === 'batch_retried' ? [event.delayMs] : []));
    expect(delays.length).toBeGreaterThan(50);
    expect(Math.max(...delays)).toBeLessThanOrEqual(50);
    expect(Math.min(...delays)).toBeGreaterThan(0);
    faults.heal();
    await clock.pass(50);
    expect((await save).status).toBe('pending');
  });

  it('lets nothing overtake: what is saved later stands behind, whatever happens meanwhile', async () => {
    const { service, faults, clock, store } = setUp({ maxBatch: 2 });
    const saves = [service.save(message('m1'))];
    faults.script = () => (Math.random() < 0.7 ? 'unavailable' : 'none');
    for (let index = 2; index <= 30; index++) {
      saves.push(service.save(message(`m${index}`)));
      await clock.pass(7);
    }
    faults.heal();
    await clock.pass(5_000);
    await Promise.all(saves);
    expect(await storedIds(store)).toEqual(messages(30).map(({ messageId }) => messageId));
  });
});

describe('an answer that was lost after the commit', () => {
  it('does not store the message twice: the next try finds it and answers stored', async () => {
    const { service, faults, clock, store, batches, events } = setUp();
    faults.loseAnswers(2);
    const saves = service.saveAll(messages(3));
    await clock.pass(500);
    const results = await saves;
    expect(batches).toEqual(Array(3).fill(['m1', 'm2', 'm3']));
    for (const [index, result] of results.entries()) {
      expect(result).toMatchObject({ status: 'stored', duplicate: true, retries: 2, message: { sequence: index + 1 } });
    }
    expect(await storedIds(store)).toEqual(['m1', 'm2', 'm3']);
    expect(events.filter(({ type }) => type === 'message_stored')).toHaveLength(3);
  });

  it('of a message beside one that conflicts leaves both told the truth', async () => {
    const { service, faults, clock, store } = setUp();
    await service.save(message('taken', { content: 'first' }));
    faults.loseAnswers();
    const saves = service.saveAll([message('m1'), message('taken', { content: 'second' }), message('m2')]);
    await clock.pass(500);
    expect((await saves).map(({ status }) => status)).toEqual(['stored', 'refused', 'stored']);
    expect(await storedIds(store)).toEqual(['taken', 'm1', 'm2']);
  });
});

describe('a message that the database refuses', () => {
  it.each([
    [1, ['m1']],
    [1, ['m7']],
    [5, ['m3']],
    [16, ['m1', 'm16']],
    [16, ['m8', 'm9']],
    [33, ['m2', 'm3', 'm17', 'm33']],
  ])('is set aside from its batch of %i alone (%j); the others are stored in order', async (count, poisoned) => {
    const { service, faults, store, events } = setUp();
    faults.poison(...poisoned);
    const results = await service.saveAll(messages(count));
    for (const [index, { messageId }] of messages(count).entries()) {
      const result = results[index];
      if (!poisoned.includes(messageId)) expect(result?.status).toBe('stored');
      else
        expect(result).toMatchObject({ status: 'refused', error: { code: 'store_refused' }, message: { messageId } });
    }
    const stored = messages(count).flatMap(({ messageId }) => (poisoned.includes(messageId) ? [] : [messageId]));
    expect(await storedIds(store)).toEqual(stored);
    const refused = events.flatMap((event) => (event.type === 'message_refused' ? [event.messageId] : []));
    expect(refused).toEqual(poisoned.filter((id) => messages(count).some(({ messageId }) => messageId === id)));
  });

  it('leaves what was saved meanwhile behind the rest of its batch', async () => {
    const { service, faults, store } = setUp();
    faults.poison('m2');
    const first = service.saveAll(messages(4));
    await settle();
    const later = service.save(message('later'));
    await Promise.all([first, later]);
    expect(await storedIds(store)).toEqual(['m1', 'm3', 'm4', 'later']);
  });

  it('is found although the database goes away in the middle of looking for it', async () => {
    const { service, faults, clock, store } = setUp();
    faults.poison('m5');
    let calls = 0;
    faults.script = () => (++calls % 2 === 0 ? 'unavailable' : 'none');
    const saves = service.saveAll(messages(8));
    await clock.pass(5_000);
    const results = await saves;
    expect(results.map(({ status }) => status)).toEqual(messages(8).map((_, i) => (i === 4 ? 'refused' : 'stored')));
    expect(await storedIds(store)).toEqual(['m1', 'm2', 'm3', 'm4', 'm6', 'm7', 'm8']);
  });

  it('because of an error nobody knows is refused too, with that error as the cause', async () => {
    const { service, faults, store } = setUp();
    const unknown = new TypeError('a bug in the store');
    faults.script = ({ messages: [first], messages: { length } }) => {
      if (length === 1 && first?.messageId === 'm2') throw unknown;
      return length > 1 ? 'refused' : 'none';
    };
    const results = await service.saveAll(messages(3));
    expect(results[1]).toMatchObject({ status: 'refused', error: { code: 'store_refused', cause: unknown } });
    expect(await storedIds(store)).toEqual(['m1', 'm3']);
  });
});

describe('a save that takes longer than its deadline', () => {
  it('answers pending at its deadline, waits in memory, and is stored when the database is back', async () => {
    const { service, faults, clock, store, events } = setUp();
    faults.refuse();
    const save = service.save(message('m1'));
    let answered = false;
    void save.then(() => {
      answered = true;
    });
    await clock.pass(990);
    expect(answered).toBe(false);
    await clock.pass(20);
    expect(await save).toMatchObject({
      status: 'pending',
      error: { code: 'not_yet_stored' },
      message: { messageId: 'm1' },
    });
    expect(service.queued).toBe(1);
    expect(await storedIds(store)).toEqual([]);
    faults.heal();
    await clock.pass(5_000);
    expect(service.queued).toBe(0);
    expect(await storedIds(store)).toEqual(['m1']);
    expect(events.map(({ type }) => type).filter((type) => type !== 'batch_retried')).toEqual([
      'message_late',
      'message_stored',
    ]);
  });

  it.each(['refuse', 'hang'] as const)(
    'answers each save at its own deadline, also one made when others were late (%s)',
    async (fault) => {
      const { service, faults, clock } = setUp();
      faults[fault]();
      const answers: Record<string, number> = {};
      const save = (id: string) => {
        void service.save(message(id)).then(({ status }) => {
          expect(status).toBe('pending');
          answers[id] = clock.monotonic();
        });
      };
      save('at 0');
      await clock.pass(500);
      save('at 500');
      await clock.pass(1_500);
      save('at 2000');
      await clock.pass(1_000);
      save('at 3000');
      await clock.pass(3_000);
      expect(Object.keys(answers)).toEqual(['at 0', 'at 500', 'at 2000', 'at 3000']);
      for (const [id, at] of Object.entries(answers)) {
        const made = Number(id.slice(3));
        expect(at).toBeGreaterThanOrEqual(made + 1_000);
        expect(at).toBeLessThanOrEqual(made + 1_005);
      }
    },
  );

  it('may be saved again with its id: it is stored once, in its first place', async () => {
    const { service, faults, clock, store } = setUp();
    faults.hang();
    const first = service.save(message('m1'));
    await clock.pass(1_001);
    expect((await first).status).toBe('pending');
    const [other, again] = [service.save(message('m2')), service.save(message('m1'))];
    faults.heal();
    await clock.pass(100);
    expect(await again).toMatchObject({ status: 'stored', duplicate: true, message: { sequence: 1 } });
    expect(await other).toMatchObject({ status: 'stored', message: { sequence: 2 } });
    expect(await storedIds(store)).toEqual(['m1', 'm2']);
  });

  it('does not change how long others may take: the deadline is as configured', async () => {
    const { service, faults, clock } = setUp({ deadlineMs: 50 });
    faults.hang();
    const save = service.save(message('m1'));
    await clock.pass(51);
    expect((await save).status).toBe('pending');
  });

  it('is measured by a clock that cannot be set: the time of day may jump', async () => {
    const { service, faults, clock, store } = setUp();
    faults.refuse();
    const save = service.save(message('m1'));
    clock.wallClock -= 3_600_000;
    await clock.pass(500);
    clock.wallClock += 7_200_000;
    faults.heal();
    await clock.pass(499);
    expect((await save).status).toBe('stored');
    clock.wallClock -= 7_200_000;
    await service.save(message('m2'));
    expect(await storedIds(store)).toEqual(['m1', 'm2']);
  });

  it('leaves no timer behind when nothing waits', async () => {
    const { service, clock } = setUp();
    await service.saveAll(messages(10));
    await settle();
    expect(clock.waiting).toBe(0);
  });
});

describe('the queue is bounded', () => {
  it('in messages: what is over is refused at once, what was accepted stays, and later there is room again', async () => {
    const { service, faults, clock, store } = setUp({ maxQueuedMessages: 5 });
    faults.hang();
    const saves = messages(7).map((one) => service.save(one));
    expect(await saves[5]).toMatchObject({
      status: 'refused',
      error: { code: 'queue_full', status: 503 },
      message: { messageId: 'm6' },
    });
    expect((await saves[6])?.status).toBe('refused');
    expect(service.queued).toBe(5);
    faults.heal();
    await Promise.all(saves);
    await clock.pass(1);
    expect((await service.save(message('m8'))).status).toBe('stored');
    expect(await storedIds(store)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm8']);
  });

  it('also with what is in flight', async () => {
    const { service, faults } = setUp({ maxQueuedMessages: 2, maxBatch: 1 });
    faults.hang();
    const saves = messages(2).map((one) => service.save(one));
    await settle();
    expect((await service.save(message('m3'))).status).toBe('refused');
    faults.heal();
    await Promise.all(saves);
  });
});

describe('close', () => {
  it('waits for all that was accepted', async () => {
    const { service, store } = setUp({ maxBatch: 3 });
    const saves = service.saveAll(messages(20));
    await service.close();
    expect(await storedIds(store)).toHaveLength(20);
    expect((await saves).every(({ status }) => status === 'stored')).toBe(true);
  });

  it('is done at once where nothing waits, and may be called twice', async () => {
    const { service, clock } = setUp();
    await service.close();
    await service.close();
    const { service: busy } = setUp();
    void busy.save(message('m1'));
    await Promise.all([busy.close(), busy.close()]);
    expect(clock.waiting).toBe(0);
  });

  it('takes no more: a save after it is refused with service_closed', async () => {
    const { service, store, events } = setUp();
    const before = service.save(message('m1'));
    const closing = service.close();
    const after = service.save(message('m2'));
    expect(await after).toMatchObject({
      status: 'refused',
      error: { code: 'service_closed' },
      message: { messageId: 'm2' },
    });
    await closing;
    expect((await before).status).toBe('stored');
    expect((await service.save(message('m3'))).status).toBe('refused');
    expect(await storedIds(store)).toEqual(['m1']);
    expect(events.filter(({ type }) => type === 'message_refused')).toHaveLength(2);
  });

  it('waits for the database to come back, until its time is up', async () => {
    const { service, faults, clock, store } = setUp();
    faults.refuse();
    const save = service.save(message('m1'));
    const closing = service.close(8_000);
    await clock.pass(4_000);
    faults.heal();
    await clock.pass(3_000);
    await closing;
    expect((await save).status).toBe('pending');
    expect(await storedIds(store)).toEqual(['m1']);
  });

  it.each(['refuse', 'hang'] as const)('gives up when its time is up, and says what is lost (%s)', async (fault) => {
    const { service, faults, clock, events } = setUp();
    faults[fault]();
    const saves = messages(3).map((one) => service.save(one));
    let closed = false;
    const closing = service.close(500).then(() => {
      closed = true;
    });
    await clock.pass(499);
    expect(closed).toBe(false);
    await clock.pass(2);
    await closing;
    // They were handed to the database: whether it stored them is unknown.
    for (const save of saves)
      expect(await save).toMatchObject({ status: 'pending', error: { code: 'service_closed' } });
    expect(events.filter(({ type }) => type === 'message_late')).toHaveLength(3);
    expect(service.queued).toBe(0);
    await clock.pass(10_000);
    expect(clock.waiting).toBe(0);
  });

  it('refuses what was never handed to the database: it is not stored', async () => {
    const { service, faults, clock, events } = setUp({ maxBatch: 1 });
    faults.hang();
    const saves = messages(3).map((one) => service.save(one));
    const closing = service.close(500);
    await clock.pass(501);
    await closing;
    const results = await Promise.all(saves);
    expect(results.map(({ status }) => status)).toEqual(['pending', 'refused', 'refused']);
    expect(events.filter(({ type }) => type === 'message_refused')).toHaveLength(2);
  });
});

describe('whoever observes', () => {
  it('and throws changes nothing', async () => {
    const { service, store, faults, clock } = setUp({
      observe: () => {
        throw new Error('an observer that throws');
      },
    });
    faults.loseAnswers();
    faults.poison('m2');
    const saves = service.saveAll(messages(3));
    await clock.pass(500);
    expect((await saves).map(({ status }) => status)).toEqual(['stored', 'refused', 'stored']);
    expect(await storedIds(store)).toEqual(['m1', 'm3']);
    expect((await service.save({} as never)).status).toBe('refused');
  });

  it('may save from within an event', async () => {
    const events: IndelibleEvent[] = [];
    let again: Promise<unknown> | undefined;
    const { service, store } = setUp({
      observe: (event) => {
        events.push(event);
        if (event.type === 'message_stored' && event.messageId === 'm1') again = service.save(message('from within'));
      },
    });
    await service.saveAll(messages(2));
    await again;
    expect(await storedIds(store)).toEqual(['m1', 'm2', 'from within']);
  });

  it('learns how long a message waited, how often it was tried, and whether it was there', async () => {
    const { service, faults, clock, events } = setUp();
    faults.refuse();
    const save = service.save(message('m1'));
    await clock.pass(400);
    faults.heal();
    await clock.pass(400);
    await save;
    await service.save(message('m1'));
    const stored = events.filter((event) => event.type === 'message_stored');
    expect(stored[0]).toMatchObject({ planId: 'plan', messageId: 'm1', duplicate: false });
    expect(stored[0]?.waitedMs).toBeGreaterThanOrEqual(400);
    expect(stored[0]?.retries).toBeGreaterThan(0);
    expect(stored[1]).toMatchObject({ retries: 0, duplicate: true });
  });
});

describe('a process that only waits for a save', () => {
  it('is kept alive until the save is answered, also while the database is away', () => {
    const script = fileURLToPath(new URL('./awaitsOneSave.ts', import.meta.url));
    const { stdout, status } = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: 10_000 });
    expect(stdout).toBe('stored after 3 retries\n');
    expect(status).toBe(0);
  });
});
