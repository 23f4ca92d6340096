import { describe, expect, it } from 'vitest';
import type { PlanSnapshot } from '../../src/client/planSnapshot.ts';
import type { WatchedPlan } from '../../src/client/watchedPlan.ts';
import { fakeClient } from './fakeClient.ts';
import { body, caughtUp, draft, message, messages, planId } from './frames.ts';

function sequences({ messages }: { readonly messages: PlanSnapshot['messages'] }): number[] {
  return messages.map(({ sequence }) => sequence);
}

/** A plan that is live at its third message. */
function livePlan(options: Parameters<typeof fakeClient>[0] = {}) {
  const fake = fakeClient(options);
  const plan = fake.client.plan(planId);
  fake.server.socket.opens().says(...messages(1, 3), caughtUp(3));
  return { ...fake, plan };
}

/** Everything the plan's listeners are told, in order. */
function told(plan: WatchedPlan): unknown[][] {
  const all: unknown[][] = [];
  for (const type of ['message', 'update', 'spooled'] as const) {
    plan.on(type, ({ messageId, version }) => all.push([type, messageId, version]));
  }
  plan.on('gap', ({ from, to }) => all.push(['gap', from, to]));
  plan.on('reset', () => all.push(['reset']));
  plan.on('event', (event) => all.push(['event', event]));
  plan.on('state', (state) => all.push(['state', state]));
  plan.on('error', ({ code }) => all.push(['error', code]));
  return all;
}

describe('A watched plan', () => {
  it('is connecting, catching up, then live', () => {
    const { client, server } = fakeClient();
    const plan = client.plan(planId);
    expect(plan.state).toBe('connecting');
    server.socket.opens();
    expect(plan.state).toBe('catching_up');
    expect(server.socket.frames).toEqual([{ type: 'subscribe', plan_id: planId }]);
    server.socket.says(...messages(1, 2));
    expect(plan.state).toBe('catching_up');
    server.socket.says(caughtUp(2));
    expect(plan.state).toBe('live');
    expect(sequences(plan)).toEqual([1, 2]);
  });

  it('is offline behind a lost connection, and where none can be made', () => {
    const { client, server, clock, plan } = livePlan();
    server.socket.breaks();
    expect(plan.state).toBe('offline');
    expect(sequences(plan)).toEqual([1, 2, 3]);
    clock.advance(250);
    expect(plan.state).toBe('offline');
    server.socket.opens();
    expect(plan.state).toBe('catching_up');
    client.close();

    const other = fakeClient();
    const inVain = other.client.plan(planId);
    other.server.socket.breaks();
    expect(inVain.state).toBe('offline');
  });

  it('goes on behind its cursor after a break, and takes nothing twice (P8)', () => {
    const { server, clock, plan } = livePlan();
    const all = told(plan);
    server.socket.says(message(4), message(5));
    server.socket.breaks();
    clock.advance(250);
    server.socket.opens();
    expect(server.socket.frames).toEqual([{ type: 'subscribe', plan_id: planId, after: 'c3' }]);
    server.socket.says(...messages(4, 6), caughtUp(6));
    expect(sequences(plan)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(all.filter(([type]) => type === 'message').map(([, id]) => id)).toEqual(['m4', 'm5', 'm6']);
    server.socket.breaks();
    clock.advance(500);
    expect(server.socket.opens().frames).toEqual([{ type: 'subscribe', plan_id: planId, after: 'c6' }]);
  });

  it('puts an update in its place, and none that came late', () => {
    const { server, plan } = livePlan();
    const before = plan.messages;
    server.socket.says(message(2, { version: 3, message: body('m2', 'edited') }));
    server.socket.says(message(2, { version: 2, message: body('m2', 'older') }));
    expect(plan.messages.map(({ content }) => content)).toEqual(['m1', 'edited', 'm3']);
    expect(before.map(({ content }) => content)).toEqual(['m1', 'm2', 'm3']);
    expect(plan.messages[0]).toBe(before[0]);
  });

  it('tells a gap, and takes only what it does not have for missing', () => {
    const { server, clock, plan } = livePlan();
    const all = told(plan);
    server.socket.says({ type: 'gap', plan_id: planId, from: 4, to: 6 }, message(7));
    server.socket.breaks();
    clock.advance(250);
    server.socket.opens().says({ type: 'gap', plan_id: planId, from: 4, to: 8 }, ...messages(9, 9), caughtUp(9));
    expect(sequences(plan)).toEqual([1, 2, 3, 7, 9]);
    expect(plan.gaps).toEqual([
      { type: 'gap', from: 4, to: 6 },
      { type: 'gap', from: 8, to: 8 },
    ]);
    expect(all.filter(([type]) => type !== 'state')).toEqual([
      ['gap', 4, 6],
      ['message', 'm7', 1],
      ['gap', 8, 8],
      ['message', 'm9', 1],
    ]);
  });

  it('lets everything go at a reset, its cursor too (P19)', () => {
    const { server, clock, plan } = livePlan();
    const all = told(plan);
    server.socket.says(draft('d', 0, 'Hel'), { type: 'spooled', plan_id: planId, message: body('s') });
    server.socket.says({ type: 'reset', plan_id: planId });
    expect(plan.snapshot).toMatchObject({ messages: [], drafts: [], gaps: [], read: 0, unread: 0 });
    server.socket.says(message(1, { message: body('other') }));
    expect(all.slice(1)).toEqual([['reset'], ['message', 'other', 1]]);
    server.socket.breaks();
    clock.advance(250);
    expect(server.socket.opens().frames).toEqual([{ type: 'subscribe', plan_id: planId }]);
  });

  it.each([
    ['a place was left out', message(5)],
    ['a gap begins too far', { type: 'gap', plan_id: planId, from: 5, to: 6 } as const],
    ['another message has a place', message(2, { message: body('other') })],
    ['a message comes at two places', message(4, { message: body('m1') })],
  ])('is read anew, and says so, when what comes cannot be of its history: %s', (_what, frame) => {
    const { server, clock, plan } = livePlan();
    const all = told(plan);
    server.socket.says(frame);
    expect(all).toEqual([['reset'], ['state', 'offline'], ['error', 'server_unreachable']]);
    expect(plan.error?.code).toBe('server_unreachable');
    server.socket.says(message(4)); // of the subscription that is over
    clock.advance(250);
    expect(server.socket.frames.slice(1)).toEqual([
      { type: 'unsubscribe', plan_id: planId },
      { type: 'subscribe', plan_id: planId },
    ]);
    server.socket.says({ type: 'unsubscribed', plan_id: planId }, ...messages(1, 5), caughtUp(5));
    expect(sequences(plan)).toEqual([1, 2, 3, 4, 5]);
    expect(plan.error).toBeUndefined();
  });

  it('that never had a cursor finds that the database was replaced meanwhile (P19)', () => {
    const begun = () => {
      const fake = fakeClient();
      const plan = fake.client.plan(planId);
      fake.server.socket.opens().says(message(1), message(2), message(3));
      fake.server.socket.breaks();
      fake.clock.advance(250);
      fake.server.socket.opens();
      expect(fake.server.socket.frames).toEqual([{ type: 'subscribe', plan_id: planId }]);
      return { ...fake, plan, all: told(plan) };
    };

    const same = begun();
    same.server.socket.says(...messages(1, 3), caughtUp(3));
    expect(same.all).toEqual([['state', 'live']]);

    const others = begun();
    others.server.socket.says(message(1, { message: body('other') }));
    expect(others.all[0]).toEqual(['reset']);

    const fewer = begun();
    fewer.server.socket.says(...messages(1, 2), caughtUp(2));
    expect(fewer.all[0]).toEqual(['reset']);

    const later = begun();
    later.server.socket.says(...messages(1, 1));
    later.server.socket.breaks();
    later.clock.advance(500);
    later.server.socket.opens().says(...messages(2, 2), caughtUp(2)); // from behind the cursor, and not up to the third
    expect(later.server.socket.frames[0]).toMatchObject({ after: 'c1' });
    expect(later.all).toContainEqual(['reset']);

    const untrimmed = fakeClient();
    const plan = untrimmed.client.plan(planId);
    untrimmed.server.socket.opens().says({ type: 'gap', plan_id: planId, from: 1, to: 1 });
    untrimmed.server.socket.breaks();
    untrimmed.clock.advance(250);
    untrimmed.server.socket.opens().says(...messages(1, 1));
    expect(plan.error?.code).toBe('server_unreachable');

    const older = begun();
    older.server.socket.says(message(1), message(2, { version: 0 }), message(3), caughtUp(3));
    expect(older.plan.messages.map(({ version }) => version)).toEqual([1, 0, 1]);
  });

  it('shows what waits for the database behind the log, until it has its place', () => {
    const { server, plan } = livePlan();
    const all = told(plan);
    const spooled = (id: string) => ({ type: 'spooled', plan_id: planId, message: body(id) }) as const;
    server.socket.says(spooled('s1'), spooled('s2'), spooled('s1'), spooled('m3'));
    expect(plan.messages.slice(3).map(({ messageId, stored, sequence }) => [messageId, stored, sequence])).toEqual([
      ['s1', false, 0],
      ['s2', false, 0],
    ]);
    server.socket.says(message(4, { message: body('s1') }));
    expect(plan.messages.map(({ messageId, stored }) => [messageId, stored]).slice(3)).toEqual([
      ['s1', true],
      ['s2', false],
    ]);
    expect(all).toEqual([
      ['spooled', 's1', 0],
      ['spooled', 's2', 0],
      ['message', 's1', 1],
    ]);
    expect(plan.unread).toBe(4);
  });

  it('puts a draft together, and shows it or its message, never both', () => {
    const { server, clock, plan } = livePlan();
    const texts = () => plan.drafts.map(({ text }) => text);
    server.socket.says(draft('d', 0, 'Hel'), draft('d', 3, 'lo'), draft('d', 9, 'lost'));
    expect(texts()).toEqual(['Hello']);
    server.socket.says(draft('d', 4, 'p me'));
    expect(texts()).toEqual(['Hellp me']);
    server.socket.breaks();
    expect(texts()).toEqual(['Hellp me']);
    clock.advance(250);
    server.socket.opens().says(draft('d', 8, ' now'));
    expect(texts()).toEqual(['Hellp me']);
    server.socket.says(draft('d', 0, 'Help me now'), draft('d', 11, '!', true));
    expect(plan.drafts).toEqual([{ draftId: 'd', agentName: 'Scribe', text: 'Help me now!', done: true }]);
    server.socket.says(message(4, { message: body('d', 'Help me now!') }), draft('d', 0, 'Help'));
    expect(texts()).toEqual([]);
    expect(plan.messages.at(-1)?.content).toBe('Help me now!');
  });

  it('lets a draft go that is not told again after a break', () => {
    const { server, clock, plan } = livePlan();
    server.socket.says(draft('gone', 0, 'Hel'), draft('goes on', 0, 'Hi'));
    server.socket.breaks();
    clock.advance(250);
    server.socket.opens().says(caughtUp(3));
    expect(plan.drafts).toHaveLength(2); // they are told behind that
    server.socket.says(draft('goes on', 0, 'Hi th'));
    clock.advance(2_000);
    expect(plan.drafts.map(({ draftId }) => draftId)).toEqual(['goes on']);
  });

  it('gives what is only live in the spelling of code', () => {
    const { server, plan } = livePlan();
    const all = told(plan);
    const timestamp = '2026-11-25T12:00:00.000Z';
    server.socket.says({
      type: 'event',
      plan_id: planId,
      event: { type: 'progress_update', timestamp, current_step: 2, total_steps: 5 },
    });
    expect(all).toEqual([['event', { type: 'progress_update', planId, timestamp, currentStep: 2, totalSteps: 5 }]]);
  });

  it('knows how far the user has read, here and elsewhere, and never goes back', () => {
    const { server, clock, plan } = livePlan();
    expect([plan.read, plan.unread]).toEqual([0, 3]);
    server.socket.says({ type: 'read', plan_id: planId, sequence: 1 });
    expect([plan.read, plan.unread]).toEqual([1, 2]);
    plan.markRead(2);
    plan.markRead(1);
    plan.markRead(99);
    expect([plan.read, plan.unread]).toEqual([3, 0]);
    expect(server.socket.ofType('read').map(({ sequence }) => sequence)).toEqual([2, 3]);
    server.socket.breaks();
    clock.advance(250);
    server.socket.opens().says({ type: 'read', plan_id: planId, sequence: 2 }, caughtUp(3), ...messages(4, 4));
    expect(server.socket.ofType('read').map(({ sequence }) => sequence)).toEqual([3]);
    expect([plan.read, plan.unread]).toEqual([3, 1]);
  });

  it('tells the server what was read while it was away', () => {
    const { server, clock, plan } = livePlan();
    server.socket.breaks();
    plan.markRead();
    clock.advance(250);
    server.socket.opens().says({ type: 'read', plan_id: planId, sequence: 0 });
    expect(server.socket.ofType('read')).toEqual([{ type: 'read', plan_id: planId, sequence: 3 }]);
  });

  it('that the server refuses says why, and is asked for again, later and later', () => {
    const { client, server, clock } = fakeClient();
    const plan = client.plan(planId);
    const refusal = { type: 'error', code: 'store_unavailable', message: 'away', remedy: 'wait' } as const;
    server.socket.opens().says({ ...refusal, plan_id: planId });
    expect(plan.snapshot).toMatchObject({ state: 'offline', error: { code: 'store_unavailable', remedy: 'wait' } });
    clock.advance(250);
    expect(server.socket.ofType('subscribe')).toHaveLength(2);
    server.socket.says({ ...refusal, plan_id: planId });
    clock.advance(250);
    expect(server.socket.ofType('subscribe')).toHaveLength(2);
    clock.advance(250);
    expect(server.socket.ofType('subscribe')).toHaveLength(3);
    server.socket.says(caughtUp(0));
    expect(plan.snapshot).toMatchObject({ state: 'live', error: undefined });
  });

  it('whose cursor the server does not take is read anew', () => {
    const { server, clock, plan } = livePlan();
    server.socket.breaks();
    clock.advance(250);
    server.socket
      .opens()
      .says({ type: 'error', code: 'invalid_cursor', message: 'changed', remedy: '', plan_id: planId });
    expect(plan.messages).toEqual([]);
    clock.advance(250);
    expect(server.socket.frames.slice(1)).toEqual([{ type: 'subscribe', plan_id: planId }]);
  });

  it('has the same snapshot, with the same parts, until something changes', () => {
    const { server, plan } = livePlan();
    const before = plan.snapshot;
    server.socket.says(message(3), { type: 'read', plan_id: planId, sequence: 0 });
    expect(plan.snapshot).toBe(before);
    server.socket.says(draft('d', 0, 'Hi'));
    expect(plan.snapshot).not.toBe(before);
    expect(plan.messages).toBe(before.messages);
    expect(plan.gaps).toBe(before.gaps);
  });

  it('tells listeners the first change at once, and many that follow it together', async () => {
    const { server, clock, plan } = livePlan();
    const seen: number[] = [];
    plan.subscribe(() => seen.push(plan.messages.length));
    server.socket.says(...messages(4, 5));
    expect(seen).toEqual([]);
    await Promise.resolve();
    expect(seen).toEqual([5]);
    for (let place = 6; place <= 100; place++) server.socket.says(message(place));
    await Promise.resolve();
    expect(seen).toEqual([5]);
    clock.advance(16);
    expect(seen).toEqual([5, 100]);
  });

  it('is not disturbed by a listener that throws', async () => {
    const { server, plan, errors } = livePlan();
    const seen: string[] = [];
    plan.on('message', () => {
      throw new Error('event');
    });
    plan.on('message', ({ messageId }) => seen.push(messageId));
    plan.subscribe(() => {
      throw new Error('change');
    });
    plan.subscribe(() => seen.push('changed'));
    server.socket.says(message(4));
    await Promise.resolve();
    expect(seen).toEqual(['m4', 'changed']);
    expect(errors).toEqual([new Error('event'), new Error('change')]);
  });
});

describe('Iterating over a plan', () => {
  it('gives each message once, with gaps in their places, and ends with the plan', async () => {
    const { server, clock, plan } = livePlan();
    const given: (number | string)[] = [];
    const done = (async () => {
      for await (const one of plan) given.push(one.type === 'gap' ? `${one.from}–${one.to}` : one.sequence);
    })();
    server.socket.says({ type: 'gap', plan_id: planId, from: 4, to: 5 });
    await settle();
    server.socket.breaks();
    clock.advance(250);
    server.socket.opens().says({ type: 'gap', plan_id: planId, from: 4, to: 5 }, ...messages(6, 7), caughtUp(7));
    await settle();
    expect(given).toEqual([1, 2, 3, '4–5', 6, 7]);
    plan.close();
    await done;
  });

  it('is told when what was given is void', async () => {
    const { server, plan } = livePlan();
    const iterator = plan[Symbol.asyncIterator]();
    await iterator.next();
    server.socket.says({ type: 'reset', plan_id: planId }, message(1), message(2));
    await expect(iterator.next()).rejects.toMatchObject({ code: 'log_replaced' });
    expect((await plan[Symbol.asyncIterator]().next()).value).toMatchObject({ messageId: 'm1' });
  });

  it('holds nothing for a reader that is slow (P13)', async () => {
    const { server, plan } = livePlan();
    const iterator = plan[Symbol.asyncIterator]();
    await iterator.next();
    for (let place = 4; place <= 1_000; place++) server.socket.says(message(place));
    const given = (await iterator.next()).value;
    expect(given).toBe(plan.messages[1]);
  });

  it('ends when the client is closed', async () => {
    const { client, plan } = livePlan();
    const done = (async () => {
      for await (const _ of plan);
    })();
    await settle();
    client.close();
    await done;
  });
});

describe('A client', () => {
  it('has one socket for all plans, while any is watched', () => {
    const { client, server, clock } = fakeClient();
    expect(server.sockets).toHaveLength(0);
    const [one, other] = [client.plan('one'), client.plan('other')];
    expect(server.sockets).toHaveLength(1);
    expect(server.socket.url).toBe('ws://server.example/api/v1/socket');
    expect(server.socket.protocols).toBe('indelible.v1');
    server.socket.opens();
    one.close();
    clock.advance(1_000);
    expect(server.socket.frames.at(-1)).toEqual({ type: 'unsubscribe', plan_id: 'one' });
    other.close();
    other.close();
    expect(server.socket.closedWith).toBeUndefined();
    clock.advance(1_000);
    expect(server.socket.closedWith).toBe(1000);
    client.plan('one');
    expect(server.sockets).toHaveLength(2);
  });

  it('shares what a plan has among all who watch it, until the last is gone', () => {
    const { client, server, clock, plan } = livePlan();
    const other = client.plan(planId);
    expect(other.snapshot).toBe(plan.snapshot);
    expect(client.snapshot(planId)).toBe(plan.snapshot);
    expect(server.socket.ofType('subscribe')).toHaveLength(1);
    plan.close();
    other.close();
    const again = client.plan(planId); // in time, as when a page is entered that shows it too
    clock.advance(2_000);
    expect(sequences(again)).toEqual([1, 2, 3]);
    again.close();
    clock.advance(2_000);
    expect(client.snapshot(planId)).toMatchObject({ messages: [], state: 'connecting' });
  });

  it('gives a plan that is watched again nothing of its first subscription', () => {
    const { client, server, clock, plan } = livePlan();
    client.plan('another, so that the socket stays');
    plan.close();
    clock.advance(1_000);
    const again = client.plan(planId);
    server.socket.says(message(4), caughtUp(4));
    expect(again.snapshot).toMatchObject({ messages: [], state: 'catching_up' });
    server.socket.says({ type: 'unsubscribed', plan_id: planId }, ...messages(1, 4));
    expect(sequences(again)).toEqual([1, 2, 3, 4]);
  });

  it('waits for nothing of a connection that it has closed itself', () => {
    const { client, server, clock, plan } = livePlan();
    plan.close();
    clock.advance(1_000); // unsubscribed, and nobody watches any more: the answer to that never comes
    const again = client.plan(planId);
    server.socket.opens().says(...messages(1, 3), caughtUp(3));
    expect(again.snapshot).toMatchObject({ state: 'live', messages: { length: 3 } });
  });

  it('passes over frames it does not know, and tells of those it cannot read', () => {
    const { server, plan, errors } = livePlan();
    server.socket.says('{"type":"of a later version"}', '{"type":"message"}', 'no JSON', '[]', 'null');
    server.socket.says({ type: 'error', code: 'invalid_json', message: 'what?', remedy: '' });
    server.socket.says(message(4));
    expect(sequences(plan)).toEqual([1, 2, 3, 4]);
    expect(errors).toHaveLength(5);
  });

  it('ends everything when it is closed, at once', () => {
    const { client, server, clock, page, plan } = livePlan();
    client.close();
    client.close();
    expect(server.socket.closedWith).toBe(1000);
    expect([clock.waiting, page.listening]).toEqual([0, 0]);
    expect(() => client.plan(planId)).toThrow(expect.objectContaining({ code: 'service_closed' }));
    plan.close();
    expect(sequences(plan)).toEqual([1, 2, 3]);
  });

  it.each([
    ['https://agents.example', 'wss://agents.example/api/v1/socket?user_id=a%26b'],
    [
      'ws://agents.example:4000/behind/a/proxy?x#y',
      'ws://agents.example:4000/behind/a/proxy/api/v1/socket?user_id=a%26b',
    ],
  ])('finds the socket of %s', (url, expected) => {
    const { client, server } = fakeClient({ url, userId: 'a&b' });
    client.plan(planId);
    expect(server.socket.url).toBe(expected);
  });

  it.each([
    ['/', 'url'],
    ['ftp://agents.example', 'url'],
    ['agents.example', 'url'],
  ])('refuses %s, which is no address', (url, field) => {
    expect(() => fakeClient({ url })).toThrow(expect.objectContaining({ code: 'invalid_config', field }));
  });
});

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}
