import type { StoredMessage } from 'indelible/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Broadcaster } from '../../src/persistence/broadcaster.ts';
import { DualPersistenceManager } from '../../src/persistence/dualPersistenceManager.ts';
import { settle } from './manualClock.ts';
import { message, messages, setUp, storedIds } from './service.ts';

/** Reaches `watchers`; remembers what it was given, and whether the database held it at that moment. */
class Sockets implements Broadcaster {
  readonly sent: StoredMessage[] = [];
  readonly #watchers: number;

  constructor(watchers: number) {
    this.#watchers = watchers;
  }

  broadcast(one: StoredMessage): number {
    this.sent.push(one);
    return this.#watchers;
  }
}

function setUpDual() {
  const setup = setUp();
  return { ...setup, dual: new DualPersistenceManager(setup.service, { clock: setup.clock }) };
}

describe('with sockets connected, a message', () => {
  it('is saved and broadcast, and the result says both', async () => {
    const { dual, store } = setUpDual();
    const sockets = new Sockets(3);
    const result = await dual.persistMessage(message('m1', { metadata: { a: 1 } }), sockets);
    expect(result).toEqual({
      status: 'stored',
      databaseSaved: true,
      websocketSent: true,
      errors: [],
      retryNeeded: false,
      message: expect.objectContaining({
        messageId: 'm1',
        sequence: 1,
        version: 1,
        metadata: { a: 1 },
        persistenceStatus: 'stored',
        savedToDb: true,
        sentViaWebsocket: true,
        retryCount: 0,
      }),
    });
    expect(sockets.sent).toEqual([await store.log.find('plan', 'm1')]);
  });

  it('is in the database before anybody is shown it', async () => {
    const { dual, store } = setUpDual();
    const found: unknown[] = [];
    const broadcast = async ({ planId, messageId }: StoredMessage) => {
      found.push(await store.log.find(planId, messageId));
      return 1;
    };
    await dual.persistMessage(message('m1'), { broadcast });
    expect(found).toEqual([expect.objectContaining({ messageId: 'm1', sequence: 1 })]);
  });

  it('is broadcast in its order, also when many are saved at once', async () => {
    const { dual } = setUpDual();
    const sockets = new Sockets(1);
    await Promise.all(messages(50).map((one) => dual.persistMessage(one, sockets)));
    expect(sockets.sent.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  });

  it('leaves the same bytes in the database as without', async () => {
    const [withSockets, without] = [setUpDual(), setUpDual()];
    for (const one of messages(5, { timestamp: '2026-11-23T10:00:00.000Z' })) {
      await withSockets.dual.persistMessage(one, new Sockets(2));
      await without.dual.persistMessage(one);
    }
    const read = ({ store }: typeof without) => store.log.read('plan', { sequence: 0, revision: 0 }, 100);
    expect(await read(withSockets)).toEqual(await read(without));
  });
});

describe('a socket manager', () => {
  const failure = new Error('a socket that fails');
  it.each<[string, Broadcaster | null | undefined]>([
    ['that is not there', undefined],
    ['that is null', null],
    ['that reaches nobody', { broadcast: () => 0 }],
    ['that reaches nobody, later', { broadcast: async () => 0 }],
  ])('%s leaves the message saved, unsent and without an error', async (_what, manager) => {
    const { dual, store } = setUpDual();
    const result = await dual.persistMessage(message('m1'), manager);
    expect(result).toMatchObject({ databaseSaved: true, websocketSent: false, errors: [], retryNeeded: false });
    expect(result.message).toMatchObject({ savedToDb: true, sentViaWebsocket: false });
    expect(await storedIds(store)).toEqual(['m1']);
  });

  it.each<[string, Broadcaster]>([
    [
      'throws',
      {
        broadcast: () => {
          throw failure;
        },
      },
    ],
    ['rejects', { broadcast: () => Promise.reject(failure) }],
    [
      'rejects later',
      {
        broadcast: async () => {
          await settle();
          throw failure;
        },
      },
    ],
    [
      'rejects with something that is no error',
      {
        broadcast: () => Promise.reject('a string'),
      },
    ],
    ['is no socket manager', {} as Broadcaster],
    [
      'throws when it is looked at',
      {
        get broadcast(): never {
          throw failure;
        },
      },
    ],
  ])('that %s leaves the message saved, and is told in errors and to the observer', async (_what, manager) => {
    const { dual, store, events } = setUpDual();
    const result = await dual.persistMessage(message('m1'), manager);
    expect(result).toMatchObject({ databaseSaved: true, websocketSent: false, retryNeeded: false });
    expect(result.errors).toMatchObject([{ code: 'broadcast_failed' }]);
    expect(result.errors[0]?.cause).toBeDefined();
    expect(await storedIds(store)).toEqual(['m1']);
    expect(events.filter(({ type }) => type === 'broadcast_failed')).toMatchObject([
      { planId: 'plan', messageId: 'm1' },
    ]);
  });

  it('that hangs keeps the agent waiting for a second at most, and may still fail later', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listener);
    onTestFinished(() => void process.off('unhandledRejection', listener));
    const { dual, clock, store } = setUpDual();
    let fail: (error: Error) => void = () => {};
    const hanging = new Promise<number>((_resolve, reject) => {
      fail = reject;
    });
    let answered = false;
    const persisting = dual.persistMessage(message('m1'), { broadcast: () => hanging }).finally(() => {
      answered = true;
    });
    await clock.pass(999);
    expect(answered).toBe(false);
    expect(await storedIds(store)).toEqual(['m1']);
    await clock.pass(2);
    expect(await persisting).toMatchObject({
      databaseSaved: true,
      websocketSent: false,
      errors: [{ code: 'broadcast_failed' }],
    });
    fail(failure);
    await settle();
    expect(unhandled).toEqual([]);
  });

  it('that answers in time leaves no timer behind', async () => {
    const { dual, clock } = setUpDual();
    await dual.persistMessage(message('m1'), { broadcast: async () => 1 });
    await settle();
    expect(clock.waiting).toBe(0);
  });

  it.each([[undefined], [Number.NaN], [-1], [Promise.resolve(undefined)], ['none']])(
    'that answers no number of watchers (%s) has not sent for certain, and hurts nothing',
    async (answer) => {
      const { dual, clock } = setUpDual();
      const result = await dual.persistMessage(message('m1'), { broadcast: () => answer as number });
      expect(result).toMatchObject({ databaseSaved: true, websocketSent: false, errors: [] });
      await settle();
      expect(clock.waiting).toBe(0);
    },
  );

  it('that fails for one message is asked again for the next', async () => {
    const { dual } = setUpDual();
    let calls = 0;
    const manager: Broadcaster = {
      broadcast: () => {
        if (++calls === 1) throw failure;
        return 1;
      },
    };
    expect((await dual.persistMessage(message('m1'), manager)).websocketSent).toBe(false);
    expect((await dual.persistMessage(message('m2'), manager)).websocketSent).toBe(true);
  });
});

describe('a database that is away', () => {
  it('is told in the result, nothing is shown, and the message is stored later in its place', async () => {
    const { dual, faults, clock, store } = setUpDual();
    const sockets = new Sockets(1);
    faults.refuse();
    const persisting = dual.persistMessage(message('m1'), sockets);
    await clock.pass(1_001);
    const result = await persisting;
    expect(result).toMatchObject({
      databaseSaved: false,
      websocketSent: false,
      errors: [{ code: 'not_yet_stored' }],
      retryNeeded: true,
      message: {
        messageId: 'm1',
        sequence: 0,
        version: 0,
        persistenceStatus: 'pending',
        savedToDb: false,
        sentViaWebsocket: false,
      },
    });
    expect(result.message?.retryCount).toBeGreaterThan(0);
    expect(sockets.sent).toEqual([]);
    faults.heal();
    const next = dual.persistMessage(message('m2'), sockets);
    await clock.pass(5_000);
    await next;
    expect(await storedIds(store)).toEqual(['m1', 'm2']);
  });

  it('for a moment only costs time: the result says how often it was tried', async () => {
    const { dual, faults, clock } = setUpDual();
    const sockets = new Sockets(1);
    faults.refuse();
    const persisting = dual.persistMessage(message('m1'), sockets);
    await clock.pass(200);
    faults.heal();
    await clock.pass(500);
    const result = await persisting;
    expect(result).toMatchObject({ databaseSaved: true, websocketSent: true, errors: [], retryNeeded: false });
    expect(result.message?.retryCount).toBeGreaterThan(0);
  });

  it.each<[string, object, boolean, string | null]>([
    ['message_conflict', message('taken', { content: 'other' }), false, 'refused'],
    ['store_refused', message('poison'), false, 'refused'],
    ['invalid_message', { ...message('m1'), content: 5 }, false, null],
    ['metadata_not_json', message('m1', { metadata: { a: 1n } }), false, null],
  ])('or refuses is told in the result: %s', async (code, input, retryNeeded, status) => {
    const { dual, service, faults } = setUpDual();
    const sockets = new Sockets(1);
    await service.save(message('taken'));
    faults.poison('poison');
    const result = await dual.persistMessage(input as never, sockets);
    expect(result).toMatchObject({ databaseSaved: false, websocketSent: false, errors: [{ code }], retryNeeded });
    expect(result.message?.persistenceStatus ?? null).toBe(status);
    expect(sockets.sent).toEqual([]);
  });

  it('with a full queue or a closed service is worth trying again', async () => {
    const { dual, service } = setUpDual();
    await service.close();
    const result = await dual.persistMessage(message('m1'), new Sockets(1));
    expect(result).toMatchObject({ databaseSaved: false, errors: [{ code: 'service_closed' }], retryNeeded: true });
  });
});

describe('persistMessage never rejects', () => {
  const throwing: object = new Proxy({}, { get: () => fail() });
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a number', 5],
    ['a text', 'text'],
    ['an empty object', {}],
    ['an object that throws when it is looked at', { throwing }],
  ])('whatever it is given: %s', async (_what, input) => {
    const { dual } = setUpDual();
    const given = typeof input === 'object' && input !== null && 'throwing' in input ? throwing : input;
    const result = await dual.persistMessage(given as never, new Sockets(1));
    expect(result).toMatchObject({ databaseSaved: false, websocketSent: false, retryNeeded: false, message: null });
    expect(result.errors).toHaveLength(1);
  });
});

function fail(): never {
  throw new Error('it was looked at');
}
