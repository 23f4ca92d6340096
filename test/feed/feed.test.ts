import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Feed } from '../../src/feed/feed.ts';
import type { Watcher } from '../../src/feed/watcher.ts';
import type { IndelibleError } from '../../src/protocol/errors.ts';
import type { LiveEvent } from '../../src/protocol/liveEvent.ts';
import { prepareMessage, type StoredMessage } from '../../src/protocol/message.ts';
import { type AppendOutcome, type CommitListener, logStart, type MessageLog } from '../../src/store/messageLog.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { ManualClock } from '../../src/testing/manualClock.ts';

const planId = 'plan';

function message(content: string) {
  return prepareMessage({ planId, agentName: 'agent', content }, { now: () => 0 });
}

function sequences(messages: readonly StoredMessage[]): number[] {
  return messages.map(({ sequence }) => sequence);
}

function upTo(end: number, from = 1): number[] {
  return Array.from({ length: end - from + 1 }, (_, index) => from + index);
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function collector(overrides: Partial<Watcher> = {}) {
  const seen: StoredMessage[] = [];
  const events: (LiveEvent | StoredMessage)[] = [];
  const watcher: Watcher = {
    messages: (messages) => {
      seen.push(...messages);
      events.push(...messages);
    },
    live: (event) => void events.push(event),
    ...overrides,
  };
  return { seen, events, watcher };
}

function delta(text: string): LiveEvent {
  return { type: 'agent_message_streaming', planId, timestamp: '', streamId: 's', agentName: 'a', delta: text };
}

describe('A watcher of a plan', () => {
  it('is given what is there already, then what comes, without gap or repeat', async () => {
    const store = openSqliteStore(':memory:');
    await store.log.append(Array.from({ length: 600 }, (_, index) => message(String(index))));
    const feed = new Feed({ log: store.log });
    const { seen, watcher } = collector();
    feed.subscribe(planId, logStart, watcher);
    await store.log.append([message('while it reads')]);
    await settle();
    await store.log.append([message('live')]);
    expect(sequences(seen)).toEqual(upTo(602));
    feed.close();
    await store.close();
  });

  it('that names a position is given only what is behind it', async () => {
    const store = openSqliteStore(':memory:');
    await store.log.append(Array.from({ length: 10 }, (_, index) => message(String(index))));
    const feed = new Feed({ log: store.log });
    const { seen, watcher } = collector();
    feed.subscribe(planId, { sequence: 7, revision: 0 }, watcher);
    await settle();
    expect(sequences(seen)).toEqual([8, 9, 10]);
    feed.close();
    await store.close();
  });

  it('is given nothing while it is busy, and catches up from the log afterwards', async () => {
    const store = openSqliteStore(':memory:');
    const feed = new Feed({ log: store.log });
    let ready = () => {};
    const given: number[][] = [];
    const { watcher } = collector({
      messages: (messages) => {
        given.push(sequences(messages));
        return new Promise<void>((resolve) => {
          ready = resolve;
        });
      },
    });
    feed.subscribe(planId, logStart, watcher);
    await settle();
    await store.log.append([message('1')]);
    await store.log.append([message('2')]);
    await store.log.append([message('3')]);
    await settle();
    expect(given).toEqual([[1]]);
    ready();
    await settle();
    expect(given).toEqual([[1], [2, 3]]);
    feed.close();
    await store.close();
  });

  it('that fails is dropped and told so, and the others notice nothing', async () => {
    const store = openSqliteStore(':memory:');
    const observed: string[] = [];
    const feed = new Feed({ log: store.log, observe: (event) => observed.push(event.type) });
    const reasons: unknown[] = [];
    const failing = (fail: () => void | Promise<void>) =>
      collector({ messages: fail, dropped: (reason) => void reasons.push(reason) });
    feed.subscribe(
      planId,
      logStart,
      failing(() => {
        throw new Error('sync');
      }).watcher,
    );
    feed.subscribe(planId, logStart, failing(() => Promise.reject(new Error('async'))).watcher);
    const { seen, watcher } = collector();
    feed.subscribe(planId, logStart, watcher);
    await settle();
    await store.log.append([message('1')]);
    await settle();
    await store.log.append([message('2')]);
    await settle();
    expect(sequences(seen)).toEqual([1, 2]);
    expect(reasons.map(String).sort()).toEqual(['Error: async', 'Error: sync']);
    expect(observed).toEqual(['watcher_failed', 'watcher_failed']);
    feed.close();
    await store.close();
  });

  it('is told of updates of what it has seen, and not of what is yet to come', async () => {
    const store = openSqliteStore(':memory:');
    const [first] = await store.log.append([message('one'), message('two')]);
    const feed = new Feed({ log: store.log });
    const updates: StoredMessage[] = [];
    const { seen, watcher } = collector({ updates: (changed) => void updates.push(...changed) });
    feed.subscribe(planId, logStart, watcher);
    await settle();
    const { messageId } = (first as AppendOutcome).message;
    const body = message('changed').body;
    await store.log.update({ planId, messageId, body }, 1);
    await settle();
    expect(sequences(seen)).toEqual([1, 2]);
    expect(updates.map(({ sequence, version, revision }) => ({ sequence, version, revision }))).toEqual([
      { sequence: 1, version: 2, revision: 1 },
    ]);

    const late: StoredMessage[] = [];
    const newcomer = collector({ updates: (changed) => void late.push(...changed) });
    feed.subscribe(planId, logStart, newcomer.watcher);
    await settle();
    expect(late).toEqual([]);
    expect(newcomer.seen.map(({ version }) => version)).toEqual([2, 1]);
    feed.close();
    await store.close();
  });

  it('sees live events in their order among the messages', async () => {
    const store = openSqliteStore(':memory:');
    const feed = new Feed({ log: store.log });
    const { events, watcher } = collector();
    feed.subscribe(planId, logStart, watcher);
    await settle();
    feed.publish(delta('Hel'));
    feed.publish(delta('lo'));
    await store.log.append([message('Hello')]);
    feed.publish(delta('next'));
    expect(events.map((event) => ('delta' in event ? event.delta : 'message'))).toEqual([
      'Hel',
      'lo',
      'message',
      'next',
    ]);
    feed.close();
    await store.close();
  });

  it('is at most one look behind when every hint is lost', async () => {
    const store = openSqliteStore(':memory:');
    const deaf: MessageLog = Object.assign(Object.create(store.log) as MessageLog, {
      append: store.log.append.bind(store.log),
      read: store.log.read.bind(store.log),
      heads: store.log.heads.bind(store.log),
      onCommit: () => () => {},
    });
    const clock = new ManualClock();
    const feed = new Feed({ log: deaf, clock });
    const { seen, watcher } = collector();
    feed.subscribe(planId, logStart, watcher);
    await settle();
    await store.log.append([message('1'), message('2')]);
    await settle();
    expect(seen).toEqual([]);
    clock.runAll();
    await settle();
    expect(sequences(seen)).toEqual([1, 2]);
    feed.close();
    await store.close();
  });

  it('reads on when the database comes back', async () => {
    const store = openSqliteStore(':memory:');
    await store.log.append([message('1')]);
    let away = true;
    const flaky: MessageLog = Object.assign(Object.create(store.log) as MessageLog, {
      read: (...args: Parameters<MessageLog['read']>) =>
        away ? Promise.reject(new Error('away')) : store.log.read(...args),
      onCommit: store.log.onCommit.bind(store.log),
    });
    const clock = new ManualClock();
    const feed = new Feed({ log: flaky, clock });
    const { seen, watcher } = collector();
    feed.subscribe(planId, logStart, watcher);
    await settle();
    away = false;
    clock.runAll();
    await settle();
    expect(sequences(seen)).toEqual([1]);
    feed.close();
    await store.close();
  });
});

describe('When the database is replaced by another one', () => {
  async function replaced(overrides: Partial<Watcher>) {
    const [old, restored] = [openSqliteStore(':memory:'), openSqliteStore(':memory:')];
    await old.log.append([message('old 1'), message('old 2')]);
    await restored.log.append([message('restored 1')]);
    let current = old.log;
    const log: MessageLog = {
      get epoch() {
        return current.epoch;
      },
      append: (batch) => current.append(batch),
      update: (changed, version) => current.update(changed, version),
      trim: (plan, upTo) => current.trim(plan, upTo),
      find: (plan, id) => current.find(plan, id),
      read: (plan, after, limit) => current.read(plan, after, limit),
      heads: (plans) => current.heads(plans),
      onCommit: () => () => {},
    };
    const clock = new ManualClock();
    const feed = new Feed({ log, clock });
    const { seen, watcher } = collector(overrides);
    feed.subscribe(planId, logStart, watcher);
    await settle();
    current = restored.log;
    clock.runAll();
    await settle();
    feed.close();
    return seen.map(({ body }) => JSON.parse(body).content);
  }

  it('a watcher is told, and given the log anew from its beginning (P19)', async () => {
    let resets = 0;
    expect(await replaced({ reset: () => void resets++ })).toEqual(['old 1', 'old 2', 'restored 1']);
    expect(resets).toBe(1);
  });

  it('a watcher that cannot be told is dropped with the reason, not given a gap (P19)', async () => {
    const reasons: unknown[] = [];
    expect(await replaced({ dropped: (reason) => void reasons.push(reason) })).toEqual(['old 1', 'old 2']);
    expect(reasons.map((reason) => (reason as IndelibleError).code)).toEqual(['log_replaced']);
  });
});

describe('Whatever the schedule of commits, reads and hints', () => {
  it('each watcher is given a gapless run from its position, each message once (P8)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 12 }),
        fc.array(fc.constantFrom('keep', 'lose', 'twice', 'unknown'), { minLength: 12, maxLength: 12 }),
        fc.array(fc.nat(6), { minLength: 1, maxLength: 4 }),
        async (scheduler, batches, hints, starts) => {
          const store = openSqliteStore(':memory:');
          const clock = new ManualClock();
          const listeners = new Set<CommitListener>();
          let commit = 0;
          const inner = store.log.onCommit((commits) => {
            const hint = hints[commit++ % hints.length];
            if (hint === 'lose') return;
            for (const listener of listeners) listener(hint === 'unknown' ? 'unknown' : commits);
            if (hint === 'twice') for (const listener of listeners) listener(commits);
          });
          const scheduled: MessageLog = Object.assign(Object.create(store.log) as MessageLog, {
            read: (...args: Parameters<MessageLog['read']>) =>
              scheduler.schedule(Promise.resolve(), 'read').then(() => store.log.read(...args)),
            heads: (...args: Parameters<MessageLog['heads']>) => store.log.heads(...args),
            onCommit: (listener: CommitListener) => {
              listeners.add(listener);
              return () => listeners.delete(listener);
            },
          });
          const feed = new Feed({ log: scheduled, clock });
          const watched = starts.map((start, index) => {
            const slow = index % 2 === 1;
            const seen: StoredMessage[] = [];
            const watcher: Watcher = {
              messages: (messages) => {
                seen.push(...messages);
                return slow ? scheduler.schedule(Promise.resolve(), 'watcher').then(() => {}) : undefined;
              },
            };
            return { start, from: 0, watcher, seen };
          });
          const subscribing = watched.map((watched) =>
            scheduler.schedule(Promise.resolve(), 'subscribe').then(async () => {
              const head = (await store.log.heads([planId])).get(planId);
              watched.from = Math.min(watched.start, head?.sequence ?? 0);
              feed.subscribe(planId, { sequence: watched.from, revision: 0 }, watched.watcher);
            }),
          );
          const committing = batches.map((size) =>
            scheduler
              .schedule(Promise.resolve(), 'commit')
              .then(() => store.log.append(Array.from({ length: size }, () => message('x')))),
          );
          await scheduler.waitAll();
          await Promise.all([...subscribing, ...committing]);
          for (let round = 0; round < 3; round++) {
            clock.runAll();
            await scheduler.waitAll();
            await settle();
            await scheduler.waitAll();
          }
          const head = batches.reduce((sum, size) => sum + size, 0);
          for (const { from, seen } of watched) {
            expect(sequences(seen)).toEqual(upTo(head, from + 1));
          }
          feed.close();
          inner();
          await store.close();
        },
      ),
      { numRuns: 300 },
    );
  });
});
