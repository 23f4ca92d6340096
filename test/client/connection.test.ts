import { describe, expect, it } from 'vitest';
import { fakeClient } from './fakeClient.ts';
import { caughtUp, planId } from './frames.ts';

function connected(options: Parameters<typeof fakeClient>[0] = {}) {
  const fake = fakeClient(options);
  const plan = fake.client.plan(planId);
  fake.server.socket.opens();
  return { ...fake, plan };
}

describe('The connection of a client', () => {
  it('is tried again later and later, up to a bound, and at once again after it held', () => {
    const { server, clock } = connected({ backoff: { initialDelayMs: 100, maxDelayMs: 350 } });
    for (const delayMs of [100, 200, 350, 350]) {
      const before = server.sockets.length;
      server.socket.breaks();
      clock.advance(delayMs - 1);
      expect(server.sockets).toHaveLength(before);
      clock.advance(1);
      expect(server.sockets).toHaveLength(before + 1);
    }
    server.socket.opens().breaks();
    clock.advance(349);
    const before = server.sockets.length;
    clock.advance(1);
    expect(server.sockets).toHaveLength(before + 1);
    server.socket.opens();
    clock.advance(10_000);
    server.socket.breaks();
    clock.advance(100);
    expect(server.sockets).toHaveLength(before + 2);
  });

  it('is tried again after a time drawn from all of the span', () => {
    const draws = [0, 0.5, 0.999];
    const { server, clock } = connected({ random: () => draws.shift() ?? 0 });
    for (const delayMs of [1, 250, 999]) {
      const before = server.sockets.length;
      server.socket.breaks();
      clock.advance(delayMs - 1);
      expect(server.sockets).toHaveLength(before);
      clock.advance(1);
      expect(server.sockets).toHaveLength(before + 1);
    }
  });

  it('is pinged when the server is silent, and let go when it stays so (P14)', () => {
    const { server, clock, plan } = connected();
    const first = server.socket;
    clock.advance(14_999);
    expect(first.ofType('ping')).toHaveLength(0);
    clock.advance(1);
    expect(first.ofType('ping')).toHaveLength(1);
    clock.advance(14_999);
    expect(first.closedWith).toBeUndefined();
    clock.advance(1);
    expect(first.closedWith).toBeDefined();
    expect(plan.state).toBe('offline');
    clock.advance(250);
    server.socket.opens().says(caughtUp(0));
    first.says(caughtUp(0));
    first.breaks(); // its end comes at last: nobody is concerned
    expect(plan.state).toBe('live');
  });

  it('is left alone while anything is heard on it', () => {
    const { server, clock } = connected();
    for (let minute = 0; minute < 10; minute++) {
      for (let place = 0; place < 6; place++) {
        clock.advance(10_000);
        server.socket.says({ type: 'read', plan_id: planId, sequence: 0 });
      }
    }
    expect(server.socket.ofType('ping')).toHaveLength(0);
    clock.advance(15_000);
    expect(server.socket.ofType('ping')).toHaveLength(1);
    server.socket.says({ type: 'pong' });
    clock.advance(15_000);
    expect(server.socket.ofType('ping')).toHaveLength(2);
    expect(server.sockets).toHaveLength(1);
  });

  it('is given up when its handshake hangs', () => {
    const { client, server, clock } = fakeClient();
    client.plan(planId);
    clock.advance(10_000);
    expect(server.socket.closedWith).toBeDefined();
    clock.advance(250);
    expect(server.sockets).toHaveLength(2);
  });

  it.each(['online', 'focus', 'pageshow'])('is tried at once when the page is %s', (event) => {
    const { server, clock, page } = connected();
    server.socket.breaks();
    page.is(event);
    expect(server.sockets).toHaveLength(2);
    page.is(event); // the handshake may hang in a network that is gone
    clock.advance(5_000);
    expect(server.sockets[1]?.closedWith).toBeDefined();
  });

  it('must prove itself soon when the network has changed', () => {
    const { server, clock, page, plan } = connected();
    page.is('online');
    expect(server.socket.ofType('ping')).toHaveLength(1);
    server.socket.says({ type: 'pong' });
    clock.advance(5_000);
    expect(plan.state).not.toBe('offline');
    page.is('online');
    clock.advance(5_000);
    expect(plan.state).toBe('offline');
  });

  it('that cannot even be begun is tried again, and told', () => {
    const { client, clock, errors, server } = fakeClient({
      webSocket: class {
        constructor() {
          throw new Error('blocked by the policy of the page');
        }
      } as never,
    });
    const plan = client.plan(planId);
    expect(plan.state).toBe('offline');
    clock.advance(250);
    expect(errors).toHaveLength(2);
    expect(server.sockets).toHaveLength(0);
    client.close();
    expect(clock.waiting).toBe(0);
  });
});
