import { describe, expect, it } from 'vitest';
import { fakeClient } from './fakeClient.ts';
import { caughtUp, messages, planId } from './frames.ts';

function row(id: string, more: object = {}) {
  const created_at = '2026-11-25T12:00:00.000Z';
  const named = { id, plan_id: id, description: `Task of ${id}`, status: 'completed', created_at };
  return { ...named, message_count: 3, read: 1, unread: 2, ...more };
}

function listing(answer: () => { status: number; body: unknown }) {
  const asked: { readonly url: string; readonly headers: Record<string, string> }[] = [];
  const fake = fakeClient({
    userId: 'me',
    fetch: async (url, { headers }) => {
      asked.push({ url, headers });
      const { status, body } = answer();
      return { ok: status < 300, status, json: async () => body };
    },
  });
  return { ...fake, asked };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('A list of plans', () => {
  it('says what the server says, and asks again', async () => {
    let rows = [row('a'), row('b')];
    const { client, clock, asked } = listing(() => ({ status: 200, body: rows }));
    const list = client.plans(['a', 'b', 'a']);
    expect(list.snapshot).toMatchObject({ plans: [], state: 'loading' });
    await settle();
    expect(asked).toEqual([
      {
        url: 'http://server.example/api/v1/plans?plan_id=a&plan_id=b',
        headers: { 'x-ms-client-principal-id': 'me' },
      },
    ]);
    expect(list.state).toBe('ready');
    expect(list.plans.map(({ planId, unread }) => [planId, unread])).toEqual([
      ['a', 2],
      ['b', 2],
    ]);
    rows = [row('a', { read: 3, unread: 0 }), row('b')];
    clock.advance(10_000);
    await settle();
    expect(list.plans[0]?.unread).toBe(0);
    list.close();
    clock.advance(60_000);
    await settle();
    expect(asked).toHaveLength(2);
  });

  it('without ids is what the server has newest', async () => {
    const { client, asked } = listing(() => ({ status: 200, body: [row('a')] }));
    client.plans();
    await settle();
    expect(asked[0]?.url).toBe('http://server.example/api/v1/plans');
  });

  it('asks in parts where the ids are too many for one address', async () => {
    const { client, asked } = listing(() => ({ status: 200, body: [row('a')] }));
    const list = client.plans(Array.from({ length: 300 }, (_, index) => `${index}`.padStart(100, 'p')));
    await settle();
    expect(asked.length).toBeGreaterThan(1);
    expect(asked.every(({ url }) => url.length < 10_000)).toBe(true);
    expect(asked.flatMap(({ url }) => new URL(url).searchParams.getAll('plan_id'))).toHaveLength(300);
    expect(list.plans).toHaveLength(asked.length);
  });

  it('keeps what it had while the server is away, and says so', async () => {
    let status = 200;
    const { client, clock } = listing(() => ({
      status,
      body: status === 200 ? [row('a')] : { detail: 'the database is away' },
    }));
    const list = client.plans(['a']);
    await settle();
    status = 503;
    clock.advance(10_000);
    await settle();
    expect(list.snapshot).toMatchObject({ state: 'offline', plans: [{ planId: 'a' }] });
    expect(list.error?.message).toContain('the database is away');
    status = 200;
    clock.advance(10_000);
    await settle();
    expect(list.snapshot).toMatchObject({ state: 'ready', error: undefined });
  });

  it('knows at once what is new and what was read of a plan that is watched', async () => {
    const { client, server } = listing(() => ({ status: 200, body: [row(planId), row('b')] }));
    const list = client.plans([planId, 'b']);
    await settle();
    let told = 0;
    list.subscribe(() => told++);
    const plan = client.plan(planId);
    server.socket.opens().says(...messages(1, 4), caughtUp(4), { type: 'read', plan_id: planId, sequence: 1 });
    await settle();
    expect(list.plans.map(({ unread }) => unread)).toEqual([3, 2]);
    plan.markRead();
    expect(list.plans.map(({ unread, messageCount }) => [unread, messageCount])).toEqual([
      [0, 4],
      [2, 3],
    ]);
    expect(told).toBeGreaterThan(0);
    const before = list.snapshot;
    plan.markRead();
    expect(list.snapshot).toBe(before);
  });

  it('is asked for anew when the server is there again', async () => {
    const { client, server, clock, asked } = listing(() => ({ status: 200, body: [] }));
    client.plans([]);
    client.plans(['a']);
    client.plan(planId);
    await settle();
    const before = asked.length;
    server.socket.opens();
    await settle();
    expect(asked.length).toBe(before + 1);
    server.socket.breaks();
    clock.advance(250);
    server.socket.opens();
    await settle();
    expect(asked.length).toBe(before + 2);
  });
});
