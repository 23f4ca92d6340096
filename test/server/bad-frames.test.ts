import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InboundRate } from '../../src/server/inboundRate.ts';
import { MessageBoundary } from '../../src/server/messageBoundary.ts';
import { defaultLimits } from '../../src/server/serverLimits.ts';
import { getJson, type Json, raw } from './http.ts';
import { frameBytes, RawWebSocket } from './rawWebSocket.ts';
import { type TestServer, testServer } from './testServer.ts';
import { refusedUpgrade, type WatchingClient, watch } from './watchingClient.ts';

/** Everything below must leave a plan, and whoever else watches it, as they were. */
let server: TestServer;
let bystander: WatchingClient;

beforeEach(async () => {
  server = await testServer({
    limits: { inboundTimeoutMs: 300, inboundBurst: 50, inboundPerSecond: 1, closeTimeoutMs: 500 },
  });
  await server.save('p', 1, 1);
  bystander = await watch(server, 'p');
});

afterEach(async () => {
  server.faults.heal();
  await server.save('p', 2, 2);
  await bystander.until(({ sequences }) => sequences.length === 2);
  const { messages } = await getJson(`${server.api}/plan?plan_id=p`);
  expect(messages.map(({ content }: Json) => content)).toEqual(['message 1', 'message 2']);
});

const errorTypes = (socket: { frames: Json[] }) =>
  socket.frames.filter(({ type }) => type === 'error_notification').map(({ data }) => data.data.error_type);

describe('a frame that is answered', () => {
  const answerTo = async (text: string) => {
    const client = await watch(server, 'p');
    client.send(text);
    await client.settled();
    return client;
  };

  it.each([
    ['null', 'invalid_request'],
    ['[]', 'invalid_request'],
    ['1', 'invalid_request'],
    ['"ping"', 'invalid_request'],
    ['{}', 'invalid_request'],
    ['{"type":null}', 'invalid_request'],
    ['{"type":["ping"]}', 'invalid_request'],
    ['{"type":"constructor"}', 'unknown_message_type'],
    ['{"type":"__proto__"}', 'unknown_message_type'],
    ['{"type":"toString"}', 'unknown_message_type'],
    ['{"type":"PING"}', 'unknown_message_type'],
    ['{"type":""}', 'unknown_message_type'],
    ['{"type":"agent_message","data":{"agent_name":"Scribe","content":"forged"}}', 'unknown_message_type'],
    ['{"type":"final_result_message","data":{"content":"forged"}}', 'unknown_message_type'],
    ['{"type":"plan_approval_response","data":{"approved":true,"m_plan_id":"m"}}', 'run_not_found'],
    ['{"type":"plan_approval_response","data":{"approved":"true","m_plan_id":"m"}}', 'invalid_request'],
    ['{"type":"user_clarification_response","data":{"request_id":"r","answer":"ok"}}', 'run_not_found'],
    ['{"type":"user_clarification_response","data":["ok"]}', 'invalid_request'],
    ['', 'invalid_json'],
    ['{', 'invalid_json'],
    ['{"type":"ping"} x', 'invalid_json'],
    ['undefined', 'invalid_json'],
  ])('%j gets an error_notification %s, and the socket stays open', async (text, errorType) => {
    const client = await answerTo(text);
    expect(errorTypes(client)).toEqual([errorType]);
    const [frame] = client.ofType('error_notification');
    const payload = {
      plan_id: 'p',
      error_type: errorType,
      error_message: expect.stringMatching(/./),
      recoverable: true,
    };
    expect(frame).toMatchObject({ priority: 3, data: { ...payload, data: payload } });
  });

  it('that is not JSON closes the socket with 1008 when it is the third', async () => {
    const client = await watch(server, 'p');
    for (const text of ['{', '{"type":"nonsense"}', '[', '{"type":"ping"}', 'x', '{"type":"ping"}']) client.send(text);
    expect(await client.closed).toBe(1008);
    expect(errorTypes(client)).toEqual(['invalid_json', 'unknown_message_type', 'invalid_json', 'invalid_json']);
    expect(client.ofType('pong')).toHaveLength(1);
  });

  it('may come in fragments, with a ping in between', async () => {
    const socket = await RawWebSocket.open(server.port, 'p');
    socket.send(
      { fin: false, payload: '{"type":' },
      { opcode: 9, payload: 'still here' },
      { opcode: 0, fin: false },
      { opcode: 0, payload: '"ping"}' },
    );
    await socket.until(({ frames }) => frames.some(({ type }) => type === 'pong'));
  });
});

describe('a frame that closes the socket', () => {
  it.each([
    ['binary', 1003, { opcode: 2, payload: '{"type":"ping"}' }],
    ['not UTF-8', 1007, { payload: Buffer.from([0x22, 0xff, 0x22]) }],
    ['a surrogate in UTF-8', 1007, { payload: Buffer.from([0xed, 0xa0, 0x80]) }],
    ['not masked', 1002, { masked: false, payload: '{"type":"ping"}' }],
    ['with RSV1', 1002, { reserved: 0x40, payload: 'x' }],
    ['with RSV2', 1002, { reserved: 0x20, payload: 'x' }],
    ['with RSV3', 1002, { reserved: 0x10, payload: 'x' }],
    ['with opcode 3', 1002, { opcode: 3 }],
    ['with opcode 11', 1002, { opcode: 11 }],
    ['a continuation of nothing', 1002, { opcode: 0, payload: 'x' }],
    ['a ping over 125 bytes', 1002, { opcode: 9, payload: 'x'.repeat(126) }],
    ['a ping in fragments', 1002, { opcode: 9, fin: false }],
    ['a close with half a code', 1002, { opcode: 8, payload: 'x' }],
    ['a close with a code that is none', 1002, { opcode: 8, payload: Buffer.from([0, 5]) }],
    ['over 64 KiB', 1009, { payload: 'x'.repeat(64 * 1024 + 1) }],
  ])('%s: %i', async (_what, code, frame) => {
    const socket = await RawWebSocket.open(server.port, 'p');
    socket.send(frame);
    expect(await socket.closed).toBe(code);
  });

  it('a message over 64 KiB in fragments: 1009', async () => {
    const socket = await RawWebSocket.open(server.port, 'p');
    const payload = 'x'.repeat(1024);
    socket.send({ fin: false, payload }, ...Array.from({ length: 64 }, () => ({ opcode: 0, fin: false, payload })));
    expect(await socket.closed).toBe(1009);
  });

  it('one that says it is of 2^63 bytes: 1009, before any of them came', async () => {
    const socket = await RawWebSocket.open(server.port, 'p');
    socket.tcp.write(Buffer.from([0x81, 0xff, 0, 0, 0x10, 0, 0, 0, 0, 0, 1, 2, 3, 4]));
    expect(await socket.closed).toBe(1009);
  });

  it('a message of 100,000 fragments: 1008', async () => {
    const socket = await RawWebSocket.open(server.port, 'p');
    const continuation = frameBytes({ opcode: 0, fin: false });
    socket.tcp.write(Buffer.concat([frameBytes({ fin: false }), ...Array(100_000).fill(continuation)]));
    expect(await socket.closed).toBe(1008);
  });

  it.each([
    ['a message whose fragments never end, not even with pings in between', frameBytes({ fin: false, payload: '[' })],
    ['a frame whose payload never ends', frameBytes({ payload: 'x'.repeat(100) }).subarray(0, 50)],
    ['a frame whose header never ends', frameBytes({ payload: 'x' }).subarray(0, 3)],
  ])('%s: 1008 in time', async (_what, bytes) => {
    const socket = await RawWebSocket.open(server.port, 'p');
    socket.tcp.write(bytes);
    const fragmented = bytes.length > 6 && bytes[0] === 0x01;
    const pinging = setInterval(() => fragmented && socket.send({ opcode: 9 }), 20);
    expect(await socket.closed).toBe(1008);
    clearInterval(pinging);
  });

  it.each([
    ['messages', { payload: '{"type":"pong"}' }],
    ['pings', { opcode: 9 }],
    ['pongs', { opcode: 10 }],
  ])('too many %s: 1008', async (_what, frame) => {
    const socket = await RawWebSocket.open(server.port, 'p');
    socket.send(...Array(60).fill(frame));
    expect(await socket.closed).toBe(1008);
  });
});

describe('an upgrade that is refused', () => {
  const url = (path: string) => `ws://127.0.0.1:${server.port}${path}`;

  it.each([
    ['/api/v3/socket/', 400],
    [`/api/v3/socket/${'p'.repeat(257)}`, 400],
    ['/api/v3/socket/..%2Fetc', 400],
    ['/api/v3/socket/p%00', 400],
    ['/api/v3/socket/%ff', 400],
    ['/api/v3/socket/p?user_id=a&user_id=b', 400],
    ['/api/v3/socket/p?user_id=%ff', 400],
    [`/api/v3/socket/p?user_id=${'u'.repeat(257)}`, 400],
    ['/api/v3/socket/p/q', 404],
    ['/api/v3/socket', 404],
    ['/api/v4/socket/p', 404],
    ['/', 404],
  ])('%s is %i', async (path, status) => {
    expect(await refusedUpgrade(url(path))).toBe(status);
  });

  it('is told why, as over HTTP', async () => {
    const handshake = 'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
    for (const [path, headers, status] of [
      ['socket/p%00', `${handshake}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`, 400],
      ['socket/p', `${handshake}Origin: https://evil.example\r\n`, 403],
      ['socket/p', `${handshake}`, 400],
      ['socket/p', `${handshake}Sec-WebSocket-Key: short\r\n`, 400],
      ['socket/p', 'Host: localhost\r\n', 426],
      ['plan?plan_id=p', 'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n', 200],
    ] as const) {
      const answer = await raw(server.port, `GET /api/v3/${path} HTTP/1.1\r\n${headers}\r\n`, { head: status === 200 });
      expect(answer.status).toBe(status);
      if (status !== 200) expect(JSON.parse(answer.body)).toEqual({ detail: expect.stringMatching(/./) });
    }
  });

  it('because the database is down is 503 with Retry-After, also when it never answers', async () => {
    const handshake =
      'GET /api/v3/socket/p HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
    for (const fault of ['unavailable', 'hang'] as const) {
      server.faults.script = ({ name }) => (name === 'heads' ? fault : 'none');
      const answer = await raw(server.port, handshake);
      expect([answer.status, /retry-after: 1/i.test(answer.headers)]).toEqual([503, true]);
    }
  });
});

describe('an upgrade whose peer is gone before it is answered', () => {
  it('harms nobody', async () => {
    server.faults.script = ({ name }) => (name === 'heads' ? 'hang' : 'none');
    const socket = new RawWebSocket(server.port, 'p');
    await new Promise((resolve) => socket.tcp.on('connect', resolve));
    await getJson(`${server.api}/health`);
    socket.tcp.resetAndDestroy();
    await getJson(`${server.api}/health`);
    server.faults.heal();
    await bystander.settled();
  });
});

describe('MessageBoundary', () => {
  it('knows after every byte whether a message is unfinished, however the bytes are cut', () => {
    const data = fc.array(fc.constantFrom(0, 1, 125, 126, 200, 65_535, 65_536), { minLength: 1, maxLength: 4 });
    const control = fc.option(fc.integer({ min: 0, max: 125 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(data, control), { maxLength: 5 }), fc.array(fc.nat(70_000)), (messages, cuts) => {
        const frames = messages.flatMap(([fragments, ping]) =>
          fragments.flatMap((length, index) => [
            {
              opcode: index === 0 ? 1 : 0,
              fin: index === fragments.length - 1,
              payload: randomBytes(length),
            },
            ...(ping === null ? [] : [{ opcode: 9, payload: randomBytes(ping) }]),
          ]),
        );
        const ends = new Set([0]);
        let end = 0;
        let open = false;
        for (const frame of frames) {
          end += frameBytes(frame).length;
          if (frame.opcode !== 9) open = !frame.fin;
          if (!open) ends.add(end);
        }
        const bytes = Buffer.concat(frames.map(frameBytes));
        const boundary = new MessageBoundary();
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          const next = Math.min(bytes.length, at + cut);
          if (next === at) continue;
          expect(boundary.follow(bytes.subarray(at, next))).toBe(!ends.has(next));
          at = next;
        }
      }),
    );
  });
});

describe('InboundRate', () => {
  it('allows a burst, and then so many a second', () => {
    const rate = new InboundRate(3, 2, 1_000);
    const taken = (now: number) => rate.take(now);
    expect([1_000, 1_000, 1_000, 1_000].map(taken)).toEqual([true, true, true, false]);
    expect([1_499, 1_500, 1_500, 2_000].map(taken)).toEqual([false, true, false, true]);
    expect([9_000, 9_000, 9_000, 9_000].map(taken)).toEqual([true, true, true, false]);
  });

  it('allows by default what real clients do', () => {
    expect(defaultLimits.inboundBurst).toBeGreaterThanOrEqual(100);
  });
});
