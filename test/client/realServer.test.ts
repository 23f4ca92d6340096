import { type Client, createClient, type WebSocketConstructor } from 'indelible/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket as WsWebSocket } from 'ws';
import { eventually } from '../../src/testing/contract/availability.ts';
import { startTcpProxy } from '../../src/testing/tcpProxy.ts';
import { getJson } from '../server/http.ts';
import { testServer } from '../server/testServer.ts';

const planId = 'plan';

function connect(url: string, webSocket?: WebSocketConstructor, userId?: string): Client {
  const options = { url, heartbeatMs: 200, backoff: { initialDelayMs: 5, maxDelayMs: 50 } };
  const client = createClient({ ...options, ...(webSocket && { webSocket }), ...(userId && { userId }) });
  onTestFinished(() => client.close());
  return client;
}

describe.each<[string, WebSocketConstructor | undefined]>([
  ['the WebSocket of Node', undefined],
  ['the WebSocket of the package ws', WsWebSocket],
])('A client in Node, with %s', (_name, webSocket) => {
  it('is given what is there, what comes, and what is changed (P8)', async () => {
    const server = await testServer();
    await server.save(planId, 1, 600);
    const client = connect(server.url, webSocket);
    const plan = client.plan(planId);
    await eventually('it is live', () => plan.state === 'live');
    expect(plan.messages).toHaveLength(600);
    await server.save(planId, 601, 610);
    const { messageId } = plan.messages[4] ?? { messageId: '' };
    const edited = { expectedVersion: 1, content: 'edited' };
    await server.indelible.persistence.updateMessage(planId, messageId, edited);
    await eventually('it has all', () => plan.messages.length === 610 && plan.messages[4]?.version === 2);
    const { messages } = await getJson(`${server.api}/plan?plan_id=${planId}`);
    const told = plan.messages.map(({ messageId, sequence, content }) => [messageId, sequence, content]);
    expect(told).toEqual(
      messages.map((row: { message_id: string; sequence: number; content: string }) => [
        row.message_id,
        row.sequence,
        row.content,
      ]),
    );
    expect(plan.messages[4]?.content).toBe('edited');
  });

  it('reads on where it was after a break, and finds one that nobody tells it of (P8, P14)', async () => {
    const server = await testServer();
    const proxy = await startTcpProxy({ target: server.url });
    onTestFinished(() => proxy.close());
    const client = connect(proxy.through(server.url), webSocket);
    const plan = client.plan(planId);
    await server.save(planId, 1, 10);
    await eventually('it has all', () => plan.messages.length === 10);
    const given: number[] = [];
    plan.on('message', ({ sequence }) => given.push(sequence));

    proxy.resetConnections();
    await server.save(planId, 11, 20);
    await eventually('it has all after a reset', () => plan.messages.length === 20);

    await proxy.blackHole();
    await server.save(planId, 21, 30);
    await eventually('it knows that nobody answers', () => plan.state === 'offline');
    await proxy.refuse();
    await proxy.pass();
    await eventually('it has all after a silence', () => plan.messages.length === 30);
    expect(given).toEqual(Array.from({ length: 20 }, (_, index) => index + 11));
  });

  it('shows an answer while it is written, also when it comes in the middle', async () => {
    const server = await testServer();
    const { live } = server.indelible;
    live.streamStarted(planId, 'answer', 'Scribe');
    live.streamDelta(planId, 'answer', 'Scribe', 'The night ');
    const plan = connect(server.url, webSocket).plan(planId);
    await eventually('it shows the beginning', () => plan.drafts[0]?.text === 'The night ');
    live.streamDelta(planId, 'answer', 'Scribe', 'bus.');
    await eventually('it shows the rest', () => plan.drafts[0]?.text === 'The night bus.');
    live.streamEnded(planId, 'answer', 'Scribe', 'The night bus.');
    await server.indelible.save({ planId, messageId: 'answer', agentName: 'Scribe', content: 'The night bus.' });
    await eventually('the message is there', () => plan.messages.length === 1);
    expect(plan.drafts).toEqual([]);
  });

  it('knows what its user has read in another window, and how much is unread in a list; another user does not', async () => {
    const server = await testServer();
    await server.save(planId, 1, 5);
    const [first, second] = [connect(server.url, webSocket, 'ada'), connect(server.url, webSocket, 'ada')];
    const other = connect(server.url, webSocket, 'bob');
    const [one, two, theirs] = [first.plan(planId), second.plan(planId), other.plan(planId)];
    const list = second.plans([planId]);
    const otherList = other.plans([planId]);
    await eventually('all are live', () => [one, two, theirs].every(({ state }) => state === 'live'));
    await eventually('the list is there', () => list.plans[0]?.unread === 5);
    one.markRead(3);
    await eventually('the other window knows', () => two.read === 3 && two.unread === 2);
    await eventually('so does its list', () => list.plans[0]?.read === 3 && list.plans[0]?.unread === 2);
    await server.save(planId, 6, 6);
    await eventually('one more is unread', () => two.unread === 3 && list.plans[0]?.unread === 3);
    two.markRead();
    await eventually('and back', () => one.read === 6 && one.unread === 0);
    // Who comes later is told at once.
    const late = connect(server.url, webSocket, 'ada').plan(planId);
    await eventually('a third window knows', () => late.state === 'live' && late.read === 6);
    await otherList.refresh();
    expect([theirs.read, otherList.plans[0]?.read, otherList.plans[0]?.unread]).toEqual([0, 0, 6]);
  });

  it('is told why the server does not show a plan', async () => {
    const server = await testServer();
    const plan = connect(server.url, webSocket).plan('a/b');
    await eventually('it is refused', () => plan.error !== undefined);
    expect(plan.snapshot).toMatchObject({ state: 'offline', error: { code: 'invalid_id' } });
  });
});
