import { expect } from 'vitest';
import { observedServer } from '../server/observedServer.ts';
import type { TestServer } from '../server/testServer.ts';
import { LiveTestClient, upTo } from './liveTestClient.ts';

export const content = (place: number) => `${place} ${'x'.repeat(50_000)}`;

/** Clients that watch `p` and take nothing. */
export async function pausedClients(server: TestServer, count: number): Promise<LiveTestClient[]> {
  const clients = await Promise.all(upTo(count).map((number) => LiveTestClient.open(server, `slow ${number}`)));
  for (const client of clients) {
    await client.subscribed('p');
    client.ws.pause();
  }
  return clients;
}

/**
 * So many paused clients, and so many messages of 50 kB for each: what waits for one is its budget and the chunk that went
 * over it; a client that reads is given all at once, and the others when they read on.
 */
export async function expectBoundedMemory(clients: number, count: number): Promise<void> {
  const maxWaitingBytes = 256 * 1024;
  const { server, waiting } = await observedServer({ limits: { maxWaitingBytes } });
  const slow = await pausedClients(server, clients);
  const fast = await LiveTestClient.open(server, 'fast');
  await fast.subscribed('p');
  const chunk = 256 * 1024 + 60_000;
  let most = 0;
  const before = process.memoryUsage().rss;
  for (let place = 1; place <= count; place += 20) {
    await server.save('p', place, place + 19, content);
    most = Math.max(most, waiting());
  }
  await fast.until(() => fast.view('p').sequence === count);
  expect(fast.sequences()).toEqual(upTo(count));
  expect(most).toBeGreaterThan(maxWaitingBytes);
  expect(most).toBeLessThan(maxWaitingBytes + chunk);
  expect(process.memoryUsage().rss - before).toBeLessThan(clients * (maxWaitingBytes + chunk) + 400e6);
  for (const client of slow.slice(0, 5)) {
    client.ws.resume();
    await client.until(() => client.view('p').sequence === count);
    expect(client.sequences()).toEqual(upTo(count));
  }
  await server.save('p', count + 1, count + 1);
  await slow[0]?.until((client) => client.view('p').sequence === count + 1);
}
