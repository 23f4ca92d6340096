import { describe, expect, it, onTestFinished } from 'vitest';
import { prepareMessage } from '../../src/protocol/message.ts';
import type { MessageLog } from '../../src/store/messageLog.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from '../../src/testing/manualClock.ts';
import { type StoreUnderTest, storesUnderTest } from '../storesUnderTest.ts';
import { LiveTestClient } from './liveTestClient.ts';
import { reconnectWhileWriting } from './reconnects.ts';
import { served, withLog } from './served.ts';

const seed = Number(process.env['SEED'] ?? 1);

async function databaseOf(store: StoreUnderTest) {
  const database = await store.create();
  onTestFinished(() => database.drop());
  return database;
}

function append(store: Store, name: string, from: number, to: number) {
  const places = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const batch = places.map((place) =>
    prepareMessage(
      { planId: 'p', agentName: 'a', messageId: `${name}${place}`, content: `${name} ${place}` },
      { now: () => 0 },
    ),
  );
  return store.log.append(batch);
}

const contents = (client: LiveTestClient) => client.ofType('message').map(({ message }) => message.content);

describe.each(storesUnderTest)('on $name', (store) => {
  it('P8: clients whose connections break again and again get the log without gap or repeat, edits too', async () => {
    const database = await databaseOf(store);
    const [writer, serving] = [await database.open(), await database.open()];
    expect(await reconnectWhileWriting({ writer, serving, reconnects: 25, seed }), `SEED=${seed}`).toEqual([]);
  });

  it('P8, control: with pages that leave out their last message, a client misses one', async () => {
    const database = await databaseOf(store);
    const writer = await database.open();
    const serving = withLog(await database.open(), (log) => ({
      read: async (planId, after, limit) => {
        const page = await log.read(planId, after, limit);
        return page.messages.length > 1 ? { ...page, messages: page.messages.slice(0, -1) } : page;
      },
    }));
    expect(await reconnectWhileWriting({ writer, serving, reconnects: 3, seed, patienceMs: 1_000 })).not.toEqual([]);
  });

  it('P16: hints that are all lost only delay', async () => {
    const database = await databaseOf(store);
    const writer = await database.open();
    const clock = new ManualClock();
    const server = await served(
      withLog(await database.open(), () => ({ onCommit: () => () => {} })),
      clock,
    );
    const client = await LiveTestClient.open(server);
    await client.subscribed('p');
    await append(writer, 'm', 1, 3);
    await client.settled();
    expect(client.sequences(), 'control: nothing but the look brings it').toEqual([]);
    clock.advance(1_500);
    await client.until(() => client.sequences().length === 3);
    expect(client.view('p').violations).toEqual([]);
  });

  /** A server whose database is replaced by another one, of which `epochOf` says what it calls itself. */
  async function replaced(epochOf: (current: MessageLog, first: MessageLog) => string) {
    const [old, other] = [await databaseOf(store), await databaseOf(store)];
    const [first, second] = [await old.open(), await other.open()];
    await append(first, 'old', 1, 300);
    await append(second, 'new', 1, 320);
    let current = first.log;
    const clock = new ManualClock();
    const facade = withLog(first, () => ({
      get epoch() {
        return epochOf(current, first.log);
      },
      read: (planId, after, limit) => current.read(planId, after, limit),
      heads: (planIds) => current.heads(planIds),
      onCommit: () => () => {},
    }));
    const server = await served(facade, clock);
    const client = await LiveTestClient.open(server);
    await client.subscribed('p');
    const [gone, cursor] = [contents(client), client.cursor('p') as string];
    current = second.log;
    clock.advance(1_500);
    await client.until(() => client.sequences().at(-1) === 320);
    const late = await LiveTestClient.open(server, 'late');
    late.send({ type: 'subscribe', plan_id: 'p', after: cursor });
    await late.until(() => late.ofType('caught_up').length === 1);
    return { client, late, gone };
  }

  it('P19: clients of a replaced database are told by reset, and hold nothing of the old one', async () => {
    const { client, late, gone } = await replaced((current) => current.epoch);
    expect(gone).toHaveLength(300);
    expect(client.view('p')).toMatchObject({ resets: 1, sequence: 320, violations: [] });
    const types = client.frames.map(({ type }) => type);
    expect(contents(client).slice(300)).toEqual(Array.from({ length: 320 }, (_, index) => `new ${index + 1}`));
    expect(types.slice(types.indexOf('reset') + 1).filter((type) => type !== 'message')).toEqual([]);
    expect(late.frames[0]).toEqual({ type: 'reset', plan_id: 'p' });
    expect(contents(late)).toHaveLength(320);
  });

  it('P19, control: were it not for the epoch, nobody would be told', async () => {
    const { client, late } = await replaced((_, first) => first.epoch);
    expect([client, late].map((one) => one.ofType('reset'))).toEqual([[], []]);
    expect(contents(client)[0]).toBe('old 1');
  });
});
