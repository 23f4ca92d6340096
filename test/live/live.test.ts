import { describe, expect, it } from 'vitest';
import { encodeCursor } from '../../src/protocol/cursor.ts';
import { prepareMessage } from '../../src/protocol/message.ts';
import type { ReadPositions } from '../../src/store/readPositions.ts';
import { type TestServer, testServer } from '../server/testServer.ts';
import { watch } from '../server/watchingClient.ts';
import { LiveTestClient, upTo } from './liveTestClient.ts';

const timestamp = '2026-01-01T00:00:00.000Z';

function cursorAt({ store }: TestServer, planId: string, sequence: number, epoch = store.log.epoch): string {
  return encodeCursor({ epoch, planId, sequence, revision: 0 });
}

async function stored({ store }: TestServer, planId: string) {
  return (await store.log.read(planId, { sequence: 0, revision: 0 }, 1_000)).messages;
}

describe('a client that subscribes to a plan', () => {
  it('is sent what is there, told once that it has caught up, and then what comes, in order, once', async () => {
    const server = await testServer();
    await server.save('p', 1, 600);
    const client = await LiveTestClient.open(server);
    await client.subscribed('p');
    expect(client.sequences()).toEqual(upTo(600));
    await server.save('p', 601, 605);
    await client.until(() => client.sequences().length === 605);
    await client.settled();
    expect(client.sequences()).toEqual(upTo(605));
    expect(client.ofType('caught_up')).toHaveLength(1);
    expect(client.frames.findIndex(({ type }) => type === 'caught_up')).toBe(600);
  });

  it('is sent the stored bytes as they are', async () => {
    const server = await testServer();
    const content = 'quotes " \\ \u0000 \ud800 🙂 \u202e </script>';
    await server.indelible.save({
      planId: 'p',
      agentName: 'Scribe "the\\',
      content,
      metadata: { n: [1, { a: null }] },
    });
    const client = await LiveTestClient.open(server);
    const texts: string[] = [];
    client.ws.on('message', (data) => texts.push(data.toString()));
    await client.subscribed('p');
    const [message] = await stored(server, 'p');
    expect(texts.find((text) => text.startsWith('{"type":"message"'))).toContain(`"message":${message?.body}`);
    expect(client.ofType('message')[0]?.message.content).toBe(content);
  });

  it('may do so before the plan exists, and for many plans on one socket', async () => {
    const server = await testServer();
    const client = await LiveTestClient.open(server);
    for (const planId of ['a', 'b', 'c']) await client.subscribed(planId);
    await Promise.all(['a', 'b', 'c'].map((planId) => server.save(planId, 1, 20)));
    for (const planId of ['a', 'b', 'c']) {
      await client.until(() => client.sequences(planId).length === 20);
      expect(client.sequences(planId)).toEqual(upTo(20));
    }
  });

  it('twice notices no difference', async () => {
    const server = await testServer();
    await server.save('p', 1, 3);
    const client = await LiveTestClient.open(server);
    await client.subscribed('p');
    client.send({ type: 'subscribe', plan_id: 'p' });
    await server.save('p', 4, 4);
    await client.until(() => client.sequences().length === 4);
    await client.settled();
    expect(client.sequences()).toEqual([1, 2, 3, 4]);
    expect(client.ofType('caught_up')).toHaveLength(1);
  });

  it('is sent nothing of it behind the answer to unsubscribe, and may subscribe again', async () => {
    const server = await testServer();
    const client = await LiveTestClient.open(server);
    await client.subscribed('p');
    const saving = server.save('p', 1, 30);
    client.send({ type: 'unsubscribe', plan_id: 'p' });
    await client.until(() => client.ofType('unsubscribed').length === 1);
    const before = client.frames.length;
    await saving;
    await client.settled();
    expect(client.frames.slice(before).map(({ type }) => type)).toEqual(['pong']);
    await client.subscribed('p');
    await client.until(() => client.view('p').sequence === 30);
    expect(client.view('p').violations).toEqual([]);
  });

  it('and has a cursor is sent what is behind it, and nothing else', async () => {
    const server = await testServer();
    await server.save('p', 1, 700);
    for (const from of [0, 1, 249, 250, 251, 500, 699, 700]) {
      const client = await LiveTestClient.open(server, `from ${from}`);
      client.send({ type: 'subscribe', plan_id: 'p', after: cursorAt(server, 'p', from) });
      await client.until(() => client.ofType('caught_up').length === 1);
      expect(client.sequences()).toEqual(upTo(700, from + 1));
      expect(client.ofType('reset')).toEqual([]);
    }
  });

  it('is given a cursor with each run, at which every client goes on without gap or repeat', async () => {
    const server = await testServer();
    await server.save('p', 1, 300);
    const client = await LiveTestClient.open(server);
    await client.subscribed('p');
    await server.save('p', 301, 303);
    await client.until(() => client.sequences().length === 303);
    const cursors = client.ofType('message').filter(({ cursor }) => cursor !== undefined);
    expect(cursors.map(({ sequence }) => sequence)).toEqual([250, 300, 301, 302, 303]);
    expect(client.ofType('caught_up')[0]?.cursor).toBe(cursors[1]?.cursor);
    for (const { sequence, cursor } of cursors) {
      const again = await LiveTestClient.open(server, String(sequence));
      again.send({ type: 'subscribe', plan_id: 'p', after: cursor as string });
      await again.until(() => again.ofType('caught_up').length === 1);
      expect(again.sequences()).toEqual(upTo(303, sequence + 1));
    }
  });
});

describe('a message that is edited', () => {
  it('replaces the one that a client has, and comes with its place to one that has not', async () => {
    const server = await testServer();
    await server.save('p', 1, 3);
    const client = await LiveTestClient.open(server);
    await client.subscribed('p');
    const [, second] = await stored(server, 'p');
    const edited = { planId: 'p', agentName: 'Scribe', content: 'edited', messageId: second?.messageId ?? '' };
    await server.store.log.update(prepareMessage(edited, { now: Date.now }), 1);
    await client.until(() => client.ofType('message').length === 4);
    const [last] = client.ofType('message').slice(-1);
    expect(last).toMatchObject({ sequence: 2, version: 2, message: { content: 'edited' }, cursor: expect.any(String) });

    const late = await LiveTestClient.open(server, 'late');
    await late.subscribed('p');
    expect(late.ofType('message').map(({ sequence, version }) => [sequence, version])).toEqual([
      [1, 1],
      [2, 2],
      [3, 1],
    ]);
    const behind = await LiveTestClient.open(server, 'behind');
    behind.send({ type: 'subscribe', plan_id: 'p', after: cursorAt(server, 'p', 3) });
    await behind.until(() => behind.ofType('caught_up').length === 1);
    expect(behind.ofType('message').map(({ sequence, version }) => [sequence, version])).toEqual([[2, 2]]);
    const again = await LiveTestClient.open(server, 'again');
    again.send({ type: 'subscribe', plan_id: 'p', after: last?.cursor as string });
    await again.until(() => again.ofType('caught_up').length === 1);
    expect(again.sequences()).toEqual([]);
  });
});

/** The types of what a client was sent, but for how far its user has read, which comes when it comes. */
function logOf(client: LiveTestClient): string[] {
  return client.frames.map(({ type }) => type).filter((type) => type !== 'read');
}

describe('a cursor that is void', () => {
  it.each([
    ['of another history of the log', (server: TestServer) => cursorAt(server, 'p', 2, 'another')],
    ['beyond the end of the log', (server: TestServer) => cursorAt(server, 'p', 9)],
  ])('%s: the client is told by reset, and sent the log from its beginning (P19)', async (_, cursorOf) => {
    const server = await testServer();
    await server.save('p', 1, 3);
    const client = await LiveTestClient.open(server);
    client.send({ type: 'subscribe', plan_id: 'p', after: cursorOf(server) });
    await client.until(() => client.ofType('caught_up').length === 1);
    expect(logOf(client)).toEqual(['reset', 'message', 'message', 'message', 'caught_up']);
    expect(client.sequences()).toEqual([1, 2, 3]);
  });
});

describe('what is only live', () => {
  it('comes as events in wire spelling, in its order among the messages', async () => {
    const server = await testServer();
    const client = await LiveTestClient.open(server);
    await client.subscribed('p');
    const { feed } = server.indelible;
    const common = { planId: 'p', timestamp };
    feed.publish({ ...common, type: 'workflow_started', text: 'begins' });
    await server.save('p', 1, 1);
    const progress = {
      currentStep: 1,
      totalSteps: 2,
      currentAgent: 'A',
      agentStatus: 'works',
      stepDescription: 'looks',
    };
    feed.publish({ ...common, type: 'progress_update', ...progress });
    const error = { errorType: 'run_failed', errorMessage: 'why', recoverable: false };
    feed.publish({ ...common, type: 'error_notification', ...error });
    await client.until(() => client.ofType('event').length === 3);
    expect(logOf(client).slice(1)).toEqual(['event', 'message', 'event', 'event']);
    expect(client.ofType('event').map(({ event }) => event)).toEqual([
      { type: 'workflow_started', timestamp, text: 'begins' },
      {
        type: 'progress_update',
        timestamp,
        current_step: 1,
        total_steps: 2,
        current_agent: 'A',
        agent_status: 'works',
        step_description: 'looks',
      },
      { type: 'error_notification', timestamp, error_type: 'run_failed', error_message: 'why', recoverable: false },
    ]);
    const late = await LiveTestClient.open(server, 'late');
    await late.subscribed('p');
    await late.until(() => late.ofType('event').length === 1);
    expect(late.ofType('event')[0]?.event['current_step']).toBe(1);
  });

  it('an answer that is being written comes piece by piece, and from its beginning to who comes late', async () => {
    const server = await testServer();
    const { live } = server.indelible;
    const client = await LiveTestClient.open(server);
    await client.subscribed('p');
    live.streamStarted('p', 'm1', 'Scribe');
    for (const piece of ['He', 'llo 🙂', ' you']) live.streamDelta('p', 'm1', 'Scribe', piece);
    await client.until(() => client.ofType('draft').length === 4);
    const late = await LiveTestClient.open(server, 'late');
    await late.subscribed('p');
    await late.until(() => late.ofType('draft').length === 1);
    live.streamDelta('p', 'm1', 'Scribe', '!');
    live.streamEnded('p', 'm1', 'Scribe', 'Hello 🙂 you!');
    await late.until(() => late.ofType('draft').length === 3);
    await client.until(() => client.ofType('draft').length === 6);
    const common = { type: 'draft', plan_id: 'p', draft_id: 'm1', agent_name: 'Scribe' };
    expect(client.ofType('draft')).toEqual([
      { ...common, offset: 0, text: '' },
      { ...common, offset: 0, text: 'He' },
      { ...common, offset: 2, text: 'llo 🙂' },
      { ...common, offset: 8, text: ' you' },
      { ...common, offset: 12, text: '!' },
      { ...common, offset: 13, text: '', done: true },
    ]);
    expect(late.ofType('draft')).toEqual([
      { ...common, offset: 0, text: 'Hello 🙂 you' },
      { ...common, offset: 12, text: '!' },
      { ...common, offset: 13, text: '', done: true },
    ]);
  });

  it('what is spooled is shown as such, and then comes as the message with the same id', async () => {
    const server = await testServer();
    const client = await LiveTestClient.open(server);
    await client.subscribed('p');
    const v3 = await watch(server, 'p');
    const spooled = prepareMessage(
      { planId: 'p', agentName: 'Scribe', content: 'spooled', messageId: 'm1' },
      { now: Date.now },
    );
    server.indelible.feed.publish({ type: 'message_spooled', planId: 'p', timestamp, message: spooled });
    await server.store.log.append([spooled]);
    await server.save('p', 2, 2);
    await client.until(() => client.sequences().length === 2);
    expect(client.ofType('spooled')).toEqual([{ type: 'spooled', plan_id: 'p', message: JSON.parse(spooled.body) }]);
    expect(logOf(client).slice(1)).toEqual(['spooled', 'message', 'message']);
    await v3.until(() => v3.ofType('agent_message').length === 2);
    const [early, next] = v3.ofType('agent_message').map(({ data }) => data);
    expect(early).toMatchObject({
      message_id: 'm1',
      agent: 'Scribe',
      persistence_status: 'spooled',
      data: { agent: 'Scribe' },
    });
    expect(early).not.toHaveProperty('sequence');
    expect(next).toMatchObject({ sequence: 2, content: 'message 2' });
  });
});

describe('how far a user has read', () => {
  it('is told after subscribing, and to the other clients of that user when one reads on', async () => {
    const read = new Map<string, number>([['ann/p', 2]]);
    const readPositions: ReadPositions = {
      async advance(userId, planId, sequence) {
        const now = Math.max(read.get(`${userId}/${planId}`) ?? 0, sequence);
        read.set(`${userId}/${planId}`, now);
        return now;
      },
      async unread(userId, [planId = '']) {
        return new Map([[planId, { read: read.get(`${userId}/${planId}`) ?? 0, unread: 0 }]]);
      },
    };
    const server = await testServer();
    Object.assign(server.store, { readPositions });
    await server.save('p', 1, 9);
    const [one, other, bob] = [
      await LiveTestClient.open(server, 'ann'),
      await LiveTestClient.open(server, 'ann'),
      await LiveTestClient.open(server, 'bob'),
    ];
    for (const client of [one, other, bob]) await client.subscribed('p');
    for (const client of [one, other, bob]) await client.until(() => client.ofType('read').length === 1);
    one.send({ type: 'read', plan_id: 'p', sequence: 7 });
    one.send({ type: 'read', plan_id: 'p', sequence: 3 });
    await other.until(() => other.ofType('read').length === 2);
    await one.settled();
    await other.settled();
    await bob.settled();
    expect(other.ofType('read').map(({ sequence }) => sequence)).toEqual([2, 7]);
    expect(bob.ofType('read').map(({ sequence }) => sequence)).toEqual([0]);
    expect(read.get('ann/p')).toBe(7);
  });

  it('is kept by the server’s database: another server, or the API, tells the same', async () => {
    const server = await testServer();
    await server.save('p', 1, 5);
    const client = await LiveTestClient.open(server, 'ann');
    await client.subscribed('p');
    client.send({ type: 'read', plan_id: 'p', sequence: 3 });
    await client.settled();
    const again = await LiveTestClient.open(server, 'ann');
    await again.subscribed('p');
    await again.until(() => again.ofType('read').length === 1);
    expect(again.ofType('read').map(({ sequence }) => sequence)).toEqual([3]);
    expect((await server.store.readPositions.unread('ann', ['p'])).get('p')).toEqual({ read: 3, unread: 2 });
  });
});

describe('a log whose beginning was trimmed', () => {
  it('is told as a gap to a client that had not got so far; a v3 socket just goes on', async () => {
    const server = await testServer();
    await server.save('p', 1, 9);
    await server.store.log.trim('p', 5);
    const client = await LiveTestClient.open(server);
    await client.subscribed('p');
    expect(client.ofType('gap')).toEqual([{ type: 'gap', plan_id: 'p', from: 1, to: 5 }]);
    expect(client.frames[0]?.type).toBe('gap');
    expect(client.sequences()).toEqual([6, 7, 8, 9]);
    const further = await LiveTestClient.open(server, 'further');
    further.send({ type: 'subscribe', plan_id: 'p', after: cursorAt(server, 'p', 7) });
    await further.until(() => further.ofType('caught_up').length === 1);
    expect(further.ofType('gap')).toEqual([]);
    const v3 = await watch(server, 'p');
    await v3.until(({ sequences }) => sequences.length === 4);
    expect(v3.sequences).toEqual([6, 7, 8, 9]);
  });
});

describe('a server that shuts down', () => {
  it('closes the socket with 1001', async () => {
    const server = await testServer();
    const client = await LiveTestClient.open(server);
    await client.subscribed('p');
    await server.close();
    expect(await client.closed).toBe(1001);
  });
});

describe('a database that is away when a client subscribes', () => {
  it('delays it and loses nothing', async () => {
    const server = await testServer();
    await server.save('p', 1, 3);
    server.faults.script = ({ name }) => (name === 'heads' || name === 'read' ? 'unavailable' : 'none');
    const client = await LiveTestClient.open(server);
    client.subscribe('p');
    await client.settled();
    expect(client.ofType('caught_up')).toEqual([]);
    server.faults.heal();
    await client.until(() => client.ofType('caught_up').length === 1);
    expect(client.sequences()).toEqual([1, 2, 3]);
  });
});
