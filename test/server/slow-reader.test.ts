import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { getJson } from './http.ts';
import { observedServer } from './observedServer.ts';
import { RawWebSocket } from './rawWebSocket.ts';
import type { TestServerOptions } from './testServer.ts';
import { type WatchingClient, watch } from './watchingClient.ts';

const count = 500;
const content = (place: number) => `${place} ${'x'.repeat(50_000)}`;
const upTo = (to: number, from = 1) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** The slow one reads nothing; the fast one and GET must get everything as if it were not there. */
async function pausedClient(options: TestServerOptions = {}) {
  const { server, waiting } = await observedServer(options);
  const slow = await RawWebSocket.open(server.port, 'p');
  const fast = await watch(server, 'p');
  slow.tcp.pause();
  return { server, waiting, slow, fast };
}

async function seesAll(client: WatchingClient): Promise<void> {
  await client.until(({ sequences }) => sequences.at(-1) === count);
  expect(client.sequences).toEqual(upTo(count));
}

describe('a client that stops reading', () => {
  it('P13: costs bounded memory, holds up nobody, and misses no message when it reads on', async () => {
    const limits = { maxWaitingBytes: 256 * 1024 };
    const { server, waiting, slow, fast } = await pausedClient({ limits });
    let most = 0;
    for (let place = 1; place <= count; place += 10) {
      await server.save('p', place, place + 9, content);
      most = Math.max(most, waiting());
    }
    await seesAll(fast);
    // 500 frames of 100 kB: 50 MB are owed. What waits is the budget and the one frame that went over it.
    expect(most).toBeLessThan(limits.maxWaitingBytes + 110_000);
    expect(most).toBeGreaterThan(limits.maxWaitingBytes);
    expect((await getJson(`${server.api}/plan?plan_id=p`)).messages).toHaveLength(count);

    slow.tcp.resume();
    const rows = () => slow.frames.filter(({ data }) => 'sequence' in data).map(({ data }) => data.sequence);
    await slow.until(() => rows().at(-1) === count);
    expect(rows()).toEqual(upTo(count));
    await server.save('p', count + 1, count + 1);
    await slow.until(() => rows().at(-1) === count + 1);
  });

  it('P13: costs bounded memory when all it misses is live', async () => {
    const limits = { maxWaitingBytes: 256 * 1024 };
    const { server, waiting, slow, fast } = await pausedClient({ limits });
    const { live } = server.indelible;
    live.streamStarted('p', 's', 'Scribe');
    let most = 0;
    for (let place = 1; place <= 2_000; place++) {
      live.streamDelta('p', 's', 'Scribe', 'x'.repeat(10_000));
      most = Math.max(most, waiting());
      if (place % 10 === 0) await fast.until((seen) => seen.ofType('agent_message_streaming').length === place);
    }
    expect(most).toBeLessThan(limits.maxWaitingBytes + 30_000);
    await server.save('p', 1, 1);
    slow.tcp.resume();
    await slow.until((seen) => seen.ofType('agent_message').length === 1);
    expect(fast.ofType('agent_message_streaming')).toHaveLength(2_000);
    expect(slow.ofType('agent_message_streaming').length).toBeLessThan(2_000);
  });

  it('is cut off when it has not taken what waited for it in time', async () => {
    const limits = { maxWaitingBytes: 64 * 1024, drainTimeoutMs: 300 };
    const { server, slow, fast } = await pausedClient({ limits });
    await server.save('p', 1, count, content);
    await server.happened('socket_closed');
    expect(server.events.filter(({ type }) => type === 'socket_closed')).toEqual([
      { type: 'socket_closed', planId: 'p', userId: 'raw', code: 1006 },
    ]);
    await seesAll(fast);
    slow.tcp.resume();
    await slow.closed;
    expect(server.events.filter(({ type }) => type === 'watcher_failed')).toEqual([]);
  });

  it('while it is behind does not count as sent', async () => {
    const { server, fast } = await pausedClient({ limits: { maxWaitingBytes: 64 * 1024 } });
    await server.save('p', 1, count, content);
    const message = { planId: 'p', agentName: 'a', content: 'x' };
    await server.indelible.persistMessage(message, server.sockets);
    const { messages } = await server.store.log.read('p', { sequence: count, revision: 0 }, 1);
    expect(server.sockets.broadcast(messages[0]!)).toBe(1);
    await fast.until(({ sequences }) => sequences.at(-1) === count + 1);
  });
});

describe('a GET whose answer nobody takes', () => {
  it('P13: is let go, so that it holds no page of the log in memory', async () => {
    const { server, connected } = await observedServer({ limits: { drainTimeoutMs: 300 } });
    await server.save('p', 1, count, content);
    const stalled = connect(server.port, '127.0.0.1');
    onTestFinished(() => void stalled.destroy());
    stalled.on('error', () => {});
    stalled.pause();
    stalled.write('GET /api/v3/plan?plan_id=p HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await expect.poll(connected, { timeout: 20_000 }).toBe(1);
    await expect.poll(connected, { timeout: 20_000 }).toBe(0);
    expect((await getJson(`${server.api}/plan?plan_id=p`)).messages).toHaveLength(count);
  });
});
