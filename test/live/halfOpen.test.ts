import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startTcpProxy } from '../../src/testing/tcpProxy.ts';
import { ManualClock } from '../server/manualClock.ts';
import { testServer } from '../server/testServer.ts';
import { LiveTestClient, liveUrl } from './liveTestClient.ts';

const heartbeatMs = 123_456;

/** A server whose heartbeats the test runs, and one client that is well. */
async function serverWithClock() {
  const clock = new ManualClock(heartbeatMs);
  const server = await testServer({ clock, limits: { heartbeatMs, liveConnectionsPerUser: 1 } });
  const other = await LiveTestClient.open(server, 'other');
  await other.subscribed('p');
  /** Beats, and waits until the one that is well has answered. */
  const beat = async () => {
    clock.run();
    await once(other.ws, 'ping');
    await other.settled();
  };
  return { server, other, beat };
}

/** Whether the user still has the one connection it may have. */
async function isThere(server: { readonly port: number }, userId: string): Promise<boolean> {
  const probe = new LiveTestClient(liveUrl(server, userId));
  return await probe.opened().then(
    () => {
      probe.ws.terminate();
      return false;
    },
    () => true,
  );
}

describe('P14: a half-open client of indelible.v1 is gone within two pings, and nobody else notices', () => {
  it('when packets are dropped both ways', async () => {
    const { server, other, beat } = await serverWithClock();
    const proxy = await startTcpProxy({ target: `127.0.0.1:${server.port}` });
    onTestFinished(() => proxy.close());
    const halfOpen = new LiveTestClient(liveUrl(proxy, 'half'));
    await halfOpen.opened();
    await halfOpen.subscribed('p');
    const asked = once(halfOpen.ws, 'ping');
    await beat();
    await asked;
    await halfOpen.settled();
    await proxy.blackHole();
    await beat();
    expect(await isThere(server, 'half')).toBe(true);
    await beat();
    await expect.poll(() => isThere(server, 'half'), { timeout: 20_000 }).toBe(false);
    await server.save('p', 1, 1);
    await other.until(() => other.sequences().length === 1);
  });

  it('when its process is stopped (SIGSTOP)', async () => {
    const { server, other, beat } = await serverWithClock();
    const child = fork(fileURLToPath(new URL('./stoppedClient.ts', import.meta.url)), [liveUrl(server, 'stopped')]);
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child, 'message');
    child.kill('SIGSTOP');
    await beat();
    expect(await isThere(server, 'stopped')).toBe(true);
    await beat();
    await beat();
    await expect.poll(() => isThere(server, 'stopped'), { timeout: 20_000 }).toBe(false);
    await server.save('p', 1, 1);
    await other.until(() => other.sequences().length === 1);
  });

  it('control: one that answers stays, however often it is asked', async () => {
    const { server, beat } = await serverWithClock();
    const well = await LiveTestClient.open(server, 'well');
    await well.subscribed('p');
    for (let times = 0; times < 5; times++) {
      const asked = once(well.ws, 'ping');
      await beat();
      await asked;
      await well.settled();
    }
    expect(await isThere(server, 'well')).toBe(true);
  });
});
