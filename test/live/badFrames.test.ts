import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeCursor } from '../../src/protocol/cursor.ts';
import { errorTable } from '../../src/protocol/errors.ts';
import { raw } from '../server/http.ts';
import { frameBytes, RawWebSocket } from '../server/rawWebSocket.ts';
import { type TestServer, testServer } from '../server/testServer.ts';
import { refusedUpgrade } from '../server/watchingClient.ts';
import { LiveTestClient, liveUrl, upTo } from './liveTestClient.ts';

/** Everything below must leave a plan, and whoever else watches it, as they were. */
let server: TestServer;
let bystander: LiveTestClient;

beforeEach(async () => {
  const inbound = { inboundTimeoutMs: 300, inboundBurst: 30, inboundPerSecond: 1 };
  server = await testServer({ limits: { ...inbound, subscriptionsPerConnection: 20, closeTimeoutMs: 500 } });
  await server.save('p', 1, 1);
  bystander = await LiveTestClient.open(server, 'bystander');
  await bystander.subscribed('p');
});

afterEach(async () => {
  await server.save('p', 2, 2);
  await bystander.until(() => bystander.sequences().length === 2);
  expect(bystander.view('p').violations).toEqual([]);
});

const cursor = (planId: string, sequence = 0) =>
  encodeCursor({ epoch: server.store.log.epoch, planId, sequence, revision: 0 });

describe('a frame that is refused', () => {
  it.each([
    ['null', 'invalid_request', undefined],
    ['[]', 'invalid_request', undefined],
    ['1', 'invalid_request', undefined],
    ['{}', 'invalid_request', undefined],
    ['{"type":null}', 'invalid_request', undefined],
    ['{"type":"constructor"}', 'unknown_message_type', undefined],
    ['{"type":"__proto__"}', 'unknown_message_type', undefined],
    ['{"type":"SUBSCRIBE","plan_id":"q"}', 'unknown_message_type', undefined],
    ['{"type":"message","plan_id":"p","sequence":2,"version":1,"message":{}}', 'unknown_message_type', undefined],
    ['{"type":"agent_message","plan_id":"p","content":"forged"}', 'unknown_message_type', undefined],
    ['{"type":"subscribe"}', 'invalid_request', undefined],
    ['{"type":"subscribe","plan_id":7}', 'invalid_request', undefined],
    ['{"type":"subscribe","plan_id":""}', 'invalid_id', ''],
    ['{"type":"subscribe","plan_id":"a/b"}', 'invalid_id', 'a/b'],
    ['{"type":"subscribe","plan_id":"\\ud800"}', 'invalid_id', '\ud800'],
    [`{"type":"subscribe","plan_id":"${'x'.repeat(10_000)}"}`, 'invalid_id', undefined],
    ['{"type":"subscribe","plan_id":"q","after":1}', 'invalid_request', 'q'],
    ['{"type":"subscribe","plan_id":"q","after":null}', 'invalid_request', 'q'],
    ['{"type":"subscribe","plan_id":"q","after":""}', 'invalid_cursor', 'q'],
    ['{"type":"subscribe","plan_id":"q","after":"-1"}', 'invalid_cursor', 'q'],
    ['{"type":"unsubscribe"}', 'invalid_request', undefined],
    ['{"type":"read","plan_id":"p"}', 'invalid_request', undefined],
    ['{"type":"read","plan_id":"p","sequence":-1}', 'invalid_request', undefined],
    ['{"type":"read","plan_id":"p","sequence":1.5}', 'invalid_request', undefined],
    ['{"type":"read","plan_id":"p","sequence":9007199254740993}', 'invalid_request', undefined],
    ['{"type":"read","plan_id":"p","sequence":"1"}', 'invalid_request', undefined],
    ['{', 'invalid_json', undefined],
    ['', 'invalid_json', undefined],
  ] as const)('%s gets the error %s, and the socket stays open', async (text, code, planId) => {
    const client = await LiveTestClient.open(server);
    client.sendText(text);
    await client.settled();
    const { remedy } = errorTable[code];
    const named = planId === undefined ? {} : { plan_id: planId };
    expect(client.ofType('error')).toEqual([
      { type: 'error', code, message: expect.stringMatching(/./), remedy, ...named },
    ]);
    await client.subscribed('p');
  });

  it.each([
    ['of another plan', () => cursor('q', 1)],
    ['that was changed', () => cursor('p', 1).replace(/.$/, (last) => (last === '0' ? '1' : '0'))],
    ['that was cut', () => cursor('p', 1).slice(0, -1)],
  ])('a cursor %s: the subscription there would have been is over, others are not', async (_, after) => {
    const client = await LiveTestClient.open(server);
    await client.subscribed('q');
    client.send({ type: 'subscribe', plan_id: 'p', after: after() });
    await client.settled();
    expect(client.ofType('error')).toEqual([expect.objectContaining({ code: 'invalid_cursor', plan_id: 'p' })]);
    await server.save('q', 1, 1);
    await client.until(() => client.sequences('q').length === 1);
    await client.subscribed('p');
  });

  it('that is not JSON closes the socket with 1008 when it is the third', async () => {
    const client = await LiveTestClient.open(server);
    for (const text of ['{', '{"type":"nonsense"}', '[', '{"type":"ping"}', 'x', '{"type":"ping"}'])
      client.sendText(text);
    expect(await client.closed).toBe(1008);
    expect(client.ofType('error').map(({ code }) => code)).toEqual([
      'invalid_json',
      'unknown_message_type',
      'invalid_json',
      'invalid_json',
    ]);
    expect(client.ofType('pong')).toHaveLength(1);
  });
});

describe('a client that asks for too much', () => {
  it('may watch so many plans and no more; what it watches it goes on watching', async () => {
    const client = await LiveTestClient.open(server);
    for (const place of upTo(30)) client.send({ type: 'subscribe', plan_id: `q${place}` });
    await client.settled();
    const errors = client.ofType('error');
    expect(errors.map(({ code }) => code)).toEqual(Array(10).fill('too_many_subscriptions'));
    expect(errors.map(({ plan_id }) => plan_id)).toEqual(upTo(30, 21).map((place) => `q${place}`));
    client.send({ type: 'unsubscribe', plan_id: 'q1' });
    await client.subscribed('q21');
    await server.save('q20', 1, 1);
    await client.until(() => client.sequences('q20').length === 1);
  });

  it('10,000 subscribes at once: 1008', async () => {
    const client = await LiveTestClient.open(server);
    for (const place of upTo(10_000)) client.send({ type: 'subscribe', plan_id: `q${place}` });
    expect(await client.closed).toBe(1008);
  });

  it('may come back with all of its plans at once', async () => {
    const large = await testServer();
    const client = await LiveTestClient.open(large);
    for (const place of upTo(256)) client.send({ type: 'subscribe', plan_id: `q${place}` });
    await client.until(() => client.ofType('caught_up').length === 256);
    expect(client.ofType('error')).toEqual([]);
  });

  it.each([
    ['messages', { payload: '{"type":"ping"}' }],
    ['pings', { opcode: 9 }],
    ['pongs', { opcode: 10 }],
  ])('too many %s: 1008', async (_what, frame) => {
    const socket = await RawWebSocket.live(server.port);
    socket.send(...Array(58).fill(frame));
    expect(await socket.closed).toBe(1008);
  });

  it('asks and does not read the answers: it is let go with 4408 when they are more than may wait', async () => {
    const small = await testServer({ limits: { maxWaitingBytes: 4_000, inboundBurst: 100_000, closeTimeoutMs: 300 } });
    const client = await LiveTestClient.open(small);
    client.ws.pause();
    const question = JSON.stringify({ type: 'nonsense' });
    const asking = setInterval(() => {
      for (let times = 0; times < 2_000; times++) client.ws.send(question);
    }, 10);
    await small.happened('live_client_let_go');
    clearInterval(asking);
    client.ws.resume();
    expect([1006, 4408]).toContain(await client.closed);
  });
});

describe('a frame that closes the socket', () => {
  it.each([
    ['binary', 1003, { opcode: 2, payload: '{"type":"ping"}' }],
    ['not UTF-8', 1007, { payload: Buffer.from([0x22, 0xff, 0x22]) }],
    ['not masked', 1002, { masked: false, payload: '{"type":"ping"}' }],
    ['with RSV1', 1002, { reserved: 0x40, payload: 'x' }],
    ['with opcode 3', 1002, { opcode: 3 }],
    ['a continuation of nothing', 1002, { opcode: 0, payload: 'x' }],
    ['a ping over 125 bytes', 1002, { opcode: 9, payload: 'x'.repeat(126) }],
    ['over 64 KiB', 1009, { payload: 'x'.repeat(64 * 1024 + 1) }],
  ])('%s: %i', async (_what, code, frame) => {
    const socket = await RawWebSocket.live(server.port);
    socket.send(frame);
    expect(await socket.closed).toBe(code);
  });

  it('a message of 100,000 fragments: 1008', async () => {
    const socket = await RawWebSocket.live(server.port);
    const continuation = frameBytes({ opcode: 0, fin: false });
    socket.tcp.write(Buffer.concat([frameBytes({ fin: false }), ...Array(100_000).fill(continuation)]));
    expect(await socket.closed).toBe(1008);
  });

  it('a message that never ends: 1008 in time', async () => {
    const socket = await RawWebSocket.live(server.port);
    socket.tcp.write(frameBytes({ payload: 'x'.repeat(100) }).subarray(0, 50));
    expect(await socket.closed).toBe(1008);
  });
});

describe('an upgrade that is refused', () => {
  it.each([
    ['without the subprotocol', [], {}, 400],
    ['with another subprotocol', ['indelible.v2'], {}, 400],
    ['from a foreign origin', ['indelible.v1'], { origin: 'https://evil.example' }, 403],
    ['from no origin', ['indelible.v1'], { origin: 'null' }, 403],
    ['from an origin that only begins like one', ['indelible.v1'], { origin: 'http://localhost.evil.example' }, 403],
    ['under a foreign host name', ['indelible.v1'], { host: 'evil.example' }, 403],
    ['among others', ['soap', 'indelible.v1'], {}, 101],
  ])('%s', async (_, protocols, headers, status) => {
    expect(await refusedUpgrade(liveUrl(server), { headers }, protocols)).toBe(status);
  });

  it.each(['user_id=a&user_id=b', 'user_id=%ff', `user_id=${'u'.repeat(257)}`])('?%s: 400', async (query) => {
    const url = `ws://127.0.0.1:${server.port}/api/v1/socket?${query}`;
    expect(await refusedUpgrade(url, {}, ['indelible.v1'])).toBe(400);
  });

  it('because the user has too many connections: 429', async () => {
    const few = await testServer({ limits: { liveConnectionsPerUser: 2 } });
    const [first] = [await LiveTestClient.open(few, 'ann'), await LiveTestClient.open(few, 'ann')];
    expect(await refusedUpgrade(liveUrl(few, 'ann'), {}, ['indelible.v1'])).toBe(429);
    expect(await refusedUpgrade(liveUrl(few, 'bob'), {}, ['indelible.v1'])).toBe(101);
    first.ws.close();
    await first.closed;
    await expect.poll(() => refusedUpgrade(liveUrl(few, 'ann'), {}, ['indelible.v1'])).toBe(101);
  });

  it('a request that is none is told what is there: 426', async () => {
    const answer = await raw(server.port, 'GET /api/v1/socket HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect([answer.status, JSON.parse(answer.body)]).toEqual([426, { detail: 'This is a WebSocket' }]);
  });
});
