import { describe, expect, it } from 'vitest';
import { encodeCursor } from '../../src/protocol/cursor.ts';
import { ManualClock } from '../server/manualClock.ts';
import { type TestServer, testServer } from '../server/testServer.ts';
import { EventStreamClient } from './eventStreamClient.ts';
import { upTo } from './liveTestClient.ts';

const eventsUrl = ({ url }: TestServer, query = '', planId = 'p') => `${url}/api/v1/plans/${planId}/events${query}`;

function cursorAt({ store }: TestServer, planId: string, sequence: number, epoch = store.log.epoch): string {
  return encodeCursor({ epoch, planId, sequence, revision: 0 });
}

describe('server-sent events of a plan', () => {
  it('are the frames of indelible.v1: what is there, then what comes, with cursors as ids', async () => {
    const server = await testServer();
    await server.save('p', 1, 300);
    const client = new EventStreamClient(eventsUrl(server));
    const response = await client.response;
    expect([response.statusCode, response.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
    await client.until(({ types }) => types.includes('caught_up'));
    server.indelible.live.streamStarted('p', 'm', 'Scribe');
    await server.save('p', 301, 301);
    await client.until(({ sequences }) => sequences.length === 301);
    expect(client.sequences).toEqual(upTo(301));
    for (const { event, id, frame } of client.events) {
      expect(frame.type).toBe(event);
      expect(id).toBe('cursor' in frame ? frame.cursor : undefined);
    }
    expect(client.types.slice(300)).toEqual(['caught_up', 'draft', 'message']);
  });

  it('go on behind Last-Event-ID, which counts for more than ?after=', async () => {
    const server = await testServer();
    await server.save('p', 1, 9);
    const after = cursorAt(server, 'p', 3);
    const first = new EventStreamClient(eventsUrl(server, `?after=${after}`));
    await first.until(({ types }) => types.includes('caught_up'));
    expect(first.sequences).toEqual(upTo(9, 4));
    first.close();
    await server.save('p', 10, 12);
    const again = new EventStreamClient(eventsUrl(server, `?after=${after}`), { 'last-event-id': first.lastEventId });
    await again.until(({ types }) => types.includes('caught_up'));
    expect(again.sequences).toEqual([10, 11, 12]);
  });

  it('begin with reset for a cursor that is void, and leave no id to come back with (P19)', async () => {
    const server = await testServer();
    await server.save('p', 1, 2);
    for (const cursor of [cursorAt(server, 'p', 1, 'another'), cursorAt(server, 'p', 9)]) {
      const client = new EventStreamClient(eventsUrl(server), { 'last-event-id': cursor });
      await client.until(({ types }) => types.includes('caught_up'));
      expect(client.types).toEqual(['reset', 'message', 'message', 'caught_up']);
      expect(client.events[0]?.id).toBe('');
    }
  });

  it.each([
    ['?after=-1', {}, 400],
    ['?after=1.5', {}, 400],
    ['?after=1e3', {}, 400],
    ['?after=NaN', {}, 400],
    ['?after=', {}, 400],
    ['?after=a&after=b', {}, 400],
    ['', { 'last-event-id': 'nonsense' }, 400],
    ['', { accept: 'application/json' }, 406],
    ['', { host: 'evil.example' }, 403],
  ])('%s %j: %i', async (query, headers, status) => {
    const server = await testServer();
    const client = new EventStreamClient(eventsUrl(server, query), headers);
    expect((await client.response).statusCode).toBe(status);
  });

  it('of a foreign page can be read by nobody', async () => {
    const server = await testServer();
    const client = new EventStreamClient(eventsUrl(server), { origin: 'https://evil.example' });
    expect((await client.response).headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('are 503 with Retry-After while the database is away', async () => {
    const server = await testServer();
    server.faults.script = ({ name }) => (name === 'heads' ? 'unavailable' : 'none');
    const response = await new EventStreamClient(eventsUrl(server)).response;
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '1']);
  });

  it('end with the server', async () => {
    const server = await testServer();
    const client = new EventStreamClient(eventsUrl(server));
    await client.until(({ types }) => types.includes('caught_up'));
    await server.close();
    await client.ended;
  });

  it('count as connections of the user, until they are over', async () => {
    const server = await testServer({ limits: { liveConnectionsPerUser: 1 } });
    const first = new EventStreamClient(eventsUrl(server, '?user_id=ann'));
    await first.until(({ types }) => types.includes('caught_up'));
    const status = async () => {
      const client = new EventStreamClient(eventsUrl(server, '?user_id=ann'));
      const { statusCode } = await client.response;
      client.close();
      return statusCode;
    };
    expect(await status()).toBe(429);
    first.close();
    await expect.poll(status).toBe(200);
  });

  it('are kept open by comments when nothing happens', async () => {
    const heartbeatMs = 123_456;
    const clock = new ManualClock(heartbeatMs);
    const server = await testServer({ clock, limits: { heartbeatMs } });
    const client = new EventStreamClient(eventsUrl(server));
    await client.until(({ types }) => types.includes('caught_up'));
    for (const beat of [1, 2, 3]) {
      clock.run();
      await client.until(({ comments }) => comments === beat);
    }
    client.close();
    await expect.poll(() => clock.waiting).toBe(0);
  });
});

describe('P13: a reader of server-sent events that stops reading', () => {
  const content = (place: number) => `${place} ${'x'.repeat(50_000)}`;

  it('holds up nobody, and misses no message when it reads on', async () => {
    const server = await testServer({ limits: { maxWaitingBytes: 256 * 1024 } });
    const slow = new EventStreamClient(eventsUrl(server));
    const fast = new EventStreamClient(eventsUrl(server));
    await Promise.all([slow, fast].map((client) => client.until(({ types }) => types.includes('caught_up'))));
    const response = await slow.response;
    response.pause();
    await server.save('p', 1, 500, content);
    await fast.until(({ sequences }) => sequences.length === 500);
    response.resume();
    await slow.until(({ sequences }) => sequences.length === 500);
    expect([fast.sequences, slow.sequences]).toEqual([upTo(500), upTo(500)]);
  });

  it('is let go when it took nothing in time, and comes back with the id of what it has', async () => {
    const server = await testServer({ limits: { maxWaitingBytes: 64 * 1024, drainTimeoutMs: 300 } });
    const slow = new EventStreamClient(eventsUrl(server));
    await slow.until(({ types }) => types.includes('caught_up'));
    const response = await slow.response;
    response.pause();
    await server.save('p', 1, 500, content);
    await server.happened('live_client_let_go');
    response.resume();
    await slow.ended;
    const again = new EventStreamClient(eventsUrl(server), { 'last-event-id': slow.lastEventId });
    await again.until(({ types }) => types.includes('caught_up'));
    expect([...new Set([...slow.sequences, ...again.sequences])]).toEqual(upTo(500));
  });
});
