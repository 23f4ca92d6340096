import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultLimits } from '../../src/server/serverLimits.ts';
import { ManualClock } from './manualClock.ts';
import { RawWebSocket } from './rawWebSocket.ts';
import { testServer } from './testServer.ts';
import { WatchingClient, watch } from './watchingClient.ts';

const heartbeatMs = 123_456;

async function serverWithClock() {
  const clock = new ManualClock(heartbeatMs);
  return { clock, server: await testServer({ clock, limits: { heartbeatMs } }) };
}

/** Passes bytes on both ways until it goes silent, and then tells neither side. */
async function silentProxy(port: number) {
  const pairs: Socket[] = [];
  let silent = false;
  const proxy = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    pairs.push(near, far);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => void (silent || to.write(bytes)));
      from.on('error', () => {});
      from.on('close', () => void (silent || to.destroy()));
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of pairs) socket.destroy();
    proxy.close();
  });
  const goSilent = () => {
    silent = true;
  };
  return { port: (proxy.address() as AddressInfo).port, goSilent };
}

describe('the heartbeat', () => {
  it('is a ping frame and a ping of the protocol, every 30 s', async () => {
    const { clock, server } = await serverWithClock();
    const socket = await RawWebSocket.open(server.port, 'p');
    clock.run();
    await socket.until(({ frames, pings }) => frames.some(({ type }) => type === 'ping') && pings.length === 1);
    const [frame] = socket.ofType('ping');
    expect(frame).toMatchObject({
      data: { plan_id: 'p', timestamp: expect.stringMatching(/Z$/), data: { plan_id: 'p' } },
    });
    expect(defaultLimits.heartbeatMs).toBe(30_000);
  });

  it('lets a client be that answers, by whatever it sends', async () => {
    const { clock, server } = await serverWithClock();
    const client = await watch(server, 'p');
    for (let beat = 1; beat <= 5; beat++) {
      clock.run();
      await client.until((seen) => seen.ofType('ping').length === beat);
      await client.settled();
    }
    expect(server.sockets.connections('p')).toBe(1);
  });

  it('P14: a half-open client is gone within two pings, and nobody else notices', async () => {
    const { clock, server } = await serverWithClock();
    const proxy = await silentProxy(server.port);
    const halfOpen = new WatchingClient(`ws://127.0.0.1:${proxy.port}/api/v3/socket/p?user_id=half`);
    await halfOpen.until(({ frames }) => frames.length > 0);
    const other = await watch(server, 'p');
    proxy.goSilent();
    clock.run();
    await other.settled();
    expect(server.sockets.connections('p')).toBe(2);
    clock.run();
    await server.happened('socket_closed');
    expect(server.events.at(-1)).toEqual({ type: 'socket_closed', planId: 'p', userId: 'half', code: 1006 });
    expect(server.sockets.connections('p')).toBe(1);
    await server.save('p', 1, 1);
    await other.until(({ sequences }) => sequences.length === 1);
  });

  it('P14: so is one that stopped without a word in the middle of being written to', async () => {
    const { clock, server } = await serverWithClock();
    const socket = await RawWebSocket.open(server.port, 'p');
    socket.tcp.pause();
    await server.save('p', 1, 20, () => 'x'.repeat(10_000));
    clock.run();
    clock.run();
    await server.happened('socket_closed');
    expect(server.sockets.connections('p')).toBe(0);
  });

  it('ends with the socket: nothing is left that would beat', async () => {
    const { clock, server } = await serverWithClock();
    const client = await watch(server, 'p');
    expect(clock.waiting).toBe(1);
    await client.close();
    await server.happened('socket_closed');
    expect(clock.waiting).toBe(0);
  });

  it('proves what arrived: after a break a client is shown what was sent since its last answer', async () => {
    const { clock, server } = await serverWithClock();
    const client = await watch(server, 'p');
    await server.save('p', 1, 20);
    await client.until(({ sequences }) => sequences.length === 20);
    clock.run();
    await client.until((seen) => seen.ofType('ping').length === 1);
    await client.settled();
    await server.save('p', 21, 23);
    await client.until(({ sequences }) => sequences.length === 23);
    client.ws.terminate();
    await server.happened('socket_closed');
    await server.save('p', 24, 25);
    const again = await watch(server, 'p');
    await again.settled();
    expect(again.sequences).toEqual([21, 22, 23, 24, 25]);
  });
});
