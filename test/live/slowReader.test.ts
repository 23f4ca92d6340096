import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { observedServer } from '../server/observedServer.ts';
import { LiveTestClient, liveUrl, upTo } from './liveTestClient.ts';
import { content, expectBoundedMemory, pausedClients } from './pausedClients.ts';

describe('P13: clients of indelible.v1 that stop reading', () => {
  it('50 of them cost bounded memory, hold up nobody, and miss no message when they read on', async () => {
    // 30 MB for each of them, and 1.5 GB for all.
    await expectBoundedMemory(50, 600);
  });

  it('control: without the budget one of them makes all it was not sent wait in memory', async () => {
    const { server, waiting } = await observedServer({ limits: { maxWaitingBytes: Number.POSITIVE_INFINITY } });
    await pausedClients(server, 1);
    let most = 0;
    for (let place = 1; place <= 400; place += 20) {
      await server.save('p', place, place + 19, content);
      most = Math.max(most, waiting());
    }
    expect(most).toBeGreaterThan(2 * (256 * 1024 + 256 * 1024 + 60_000));
  });

  it('cost no more reading when they go, or the server does: nobody reads the log for who takes nothing more', async () => {
    const { server } = await observedServer({ limits: { maxWaitingBytes: 64 * 1024, closeTimeoutMs: 300 } });
    const [slow] = (await pausedClients(server, 1)) as [LiveTestClient];
    const v3 = new WebSocket(`ws://127.0.0.1:${server.port}/api/v3/socket/p?user_id=slow`);
    await once(v3, 'open');
    v3.pause();
    await server.save('p', 1, 1_200, content);
    const read = vi.spyOn(server.store.log, 'read');
    slow.ws.close();
    v3.close();
    await server.close();
    // 60 MB in pages of 4 MiB are 15 for each of them.
    expect(read.mock.calls.length).toBeLessThan(6);
  });

  it('are let go with 4408 when they took not what waited in time; nobody else notices', async () => {
    const { server } = await observedServer({
      limits: { maxWaitingBytes: 64 * 1024, drainTimeoutMs: 300, closeTimeoutMs: 10_000 },
    });
    const [slow] = await pausedClients(server, 1);
    const fast = await LiveTestClient.open(server, 'fast');
    await fast.subscribed('p');
    await server.save('p', 1, 300, content);
    await server.happened('live_client_let_go');
    slow?.ws.resume();
    expect(await slow?.closed).toBe(4408);
    await fast.until(() => fast.sequences().length === 300);
    const { cursor, view } = { cursor: slow?.cursor('p') as string, view: slow?.view('p') };
    expect(view?.violations).toEqual([]);
    const again = await LiveTestClient.open(server, 'slow 1');
    again.send({ type: 'subscribe', plan_id: 'p', after: cursor });
    await again.until(() => again.ofType('caught_up').length === 1);
    expect(again.sequences().at(-1)).toBe(300);
    expect(again.sequences()[0]).toBeLessThanOrEqual((view?.sequence ?? 0) + 1);
  });

  it('are shown the whole of an answer that is being written when they read on', async () => {
    const { server } = await observedServer({ limits: { maxWaitingBytes: 64 * 1024 } });
    const [slow] = (await pausedClients(server, 1)) as [LiveTestClient];
    const { live } = server.indelible;
    live.streamStarted('p', 'm', 'Scribe');
    const pieces = upTo(1_000).map((place) => `${place} `);
    for (const [index, piece] of pieces.entries()) {
      if (index % 10 === 0) await server.save('p', index / 10 + 1, index / 10 + 1, (place) => content(place).repeat(4));
      live.streamDelta('p', 'm', 'Scribe', piece);
    }
    slow.ws.resume();
    const whole = pieces.join('');
    await slow.until(() => slow.ofType('draft').some(({ offset, text }) => offset === 0 && text === whole));
    expect(slow.ofType('draft').length, 'what it was not sent meanwhile it is not sent later').toBeLessThan(1_000);
    live.streamDelta('p', 'm', 'Scribe', 'end');
    await slow.until(() => slow.ofType('draft').some(({ offset, text }) => offset === whole.length && text === 'end'));
  });
});

describe('a client that comes and takes nothing, where many answers are being written', () => {
  const size = 500_000;
  const names = upTo(30).map((number) => `draft ${number}`);

  it('P13: costs its budget and an answer; is shown all of them when it reads, and how far its user has read', async () => {
    const { server, waiting } = await observedServer({ limits: { maxWaitingBytes: 64 * 1024 } });
    await server.save('p', 1, 3);
    await server.indelible.markRead('slow', 'p', 2);
    const { live } = server.indelible;
    for (const name of names) {
      live.streamStarted('p', name, 'Scribe');
      live.streamDelta('p', name, 'Scribe', 'x'.repeat(size));
    }
    const slow = await LiveTestClient.open(server, 'slow');
    slow.ws.pause();
    slow.send({ type: 'subscribe', plan_id: 'p' });
    let most = 0;
    for (let look = 0; look < 50; look++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      most = Math.max(most, waiting());
    }
    expect(most).toBeGreaterThan(64 * 1024);
    expect(most).toBeLessThan(64 * 1024 + 2 * size);
    live.streamDelta('p', 'draft 1', 'Scribe', 'and more');
    slow.ws.resume();
    await slow.until(() => slow.ofType('read').length > 0);
    expect(slow.ofType('read')).toMatchObject([{ sequence: 2 }]);
    for (const name of names) {
      const whole = name === 'draft 1' ? size + 'and more'.length : size;
      await slow.until(() =>
        slow.ofType('draft').some(({ draft_id, offset, text }) => draft_id === name && offset + text.length === whole),
      );
    }
  });
});

describe('a client that watches one plan with much to say and one with little', () => {
  it('gets both, each in order', async () => {
    const { server } = await observedServer({ limits: { maxWaitingBytes: 64 * 1024 } });
    const client = new LiveTestClient(liveUrl(server));
    await client.opened();
    await client.subscribed('p');
    await client.subscribed('q');
    await Promise.all([server.save('p', 1, 200, content), server.save('q', 1, 200)]);
    for (const planId of ['p', 'q']) await client.until(() => client.sequences(planId).length === 200);
    for (const planId of ['p', 'q']) expect(client.sequences(planId)).toEqual(upTo(200));
  });
});
