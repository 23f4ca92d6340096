import { describe, expect, it } from 'vitest';
import type { PlanStorage } from '../../src/client/keptPlan.ts';
import { fakeClient } from './fakeClient.ts';
import { caughtUp, draft, message, messages, planId } from './frames.ts';

/** As `sessionStorage`: keeps one text for each key. */
function storageOf(texts = new Map<string, string>()) {
  let writes = 0;
  return {
    texts,
    writes: () => writes,
    getItem: (key: string) => texts.get(key) ?? null,
    setItem: (key: string, text: string) => {
      writes++;
      texts.set(key, text);
    },
  };
}

/** Answers when the test says so. */
function slowStorage(texts = new Map<string, string>()) {
  const waiting: (() => void)[] = [];
  const turn = () => new Promise<void>((resolve) => waiting.push(resolve));
  const storage: PlanStorage = {
    getItem: async (key) => {
      await turn();
      return texts.get(key) ?? null;
    },
    setItem: async (key, text) => {
      await turn();
      texts.set(key, text);
    },
  };
  const answer = async () => {
    for (const resolve of waiting.splice(0)) resolve();
    for (let count = 0; count < 5; count++) await Promise.resolve();
  };
  return { storage, texts, answer };
}

describe('A plan that is kept', () => {
  it('is shown at once by the next page, which goes on behind the cursor', () => {
    const storage = storageOf();
    const first = fakeClient({ storage });
    first.client.plan(planId);
    first.server.socket
      .opens()
      .says({ type: 'gap', plan_id: planId, from: 1, to: 2 }, ...messages(3, 5), caughtUp(5), draft('d', 0, 'Hi'));
    first.page.is('pagehide');

    const next = fakeClient({ storage });
    const plan = next.client.plan(planId);
    expect(plan.snapshot).toMatchObject({ state: 'connecting', drafts: [], gaps: [{ from: 1, to: 2 }] });
    expect(plan.messages.map(({ messageId }) => messageId)).toEqual(['m3', 'm4', 'm5']);
    expect(next.server.socket.opens().frames).toEqual([{ type: 'subscribe', plan_id: planId, after: 'c5' }]);
    next.server.socket.says(...messages(6, 6), caughtUp(6));
    expect(plan.messages).toHaveLength(4);
  });

  it('is never a cursor without the messages before it: both are one text, written together', () => {
    const storage = storageOf();
    const { client, server, clock } = fakeClient({ storage });
    client.plan(planId);
    server.socket.opens().says(message(1), message(2));
    clock.advance(5_000);
    expect(storage.writes()).toBe(0); // there is no cursor yet
    for (let place = 3; place <= 50; place++) server.socket.says(...messages(place, place));
    expect(storage.writes()).toBe(0);
    clock.advance(1_000);
    expect(storage.writes()).toBe(1);
    expect(storage.texts.size).toBe(1);
    const kept = JSON.parse([...storage.texts.values()][0] ?? '');
    expect(kept.cursor).toEqual({ text: 'c50', sequence: 50 });
    expect(kept.messages).toHaveLength(50);
  });

  it('belongs to one server, one user and one plan', () => {
    const storage = storageOf();
    const keep = (url: string, userId: string, plan: string) => {
      const { client, server } = fakeClient({ storage, url, userId });
      client.plan(plan);
      server.socket.opens().says({ type: 'caught_up', plan_id: plan, cursor: 'c0' });
      client.close();
    };
    keep('http://one', 'a', 'p');
    keep('http://other', 'a', 'p');
    keep('http://one', 'b', 'p');
    keep('http://one', 'a', 'q');
    expect(storage.texts.size).toBe(4);
  });

  it.each([
    ['not JSON', 'x'],
    ['of another form', '{"form":0}'],
    ['of a wrong shape', '{"form":1,"cursor":{"text":"c","sequence":0},"messages":7}'],
    ['a cursor without its messages', '{"form":1,"cursor":{"text":"c9","sequence":9},"messages":[],"gaps":[]}'],
    ['a run with a hole', '{"form":1,"cursor":{"text":"c2","sequence":2},"messages":[{"sequence":2}],"gaps":[]}'],
  ])('is passed over when it is %s', (_what, text) => {
    const probe = storageOf();
    const first = fakeClient({ storage: probe });
    first.client.plan(planId);
    first.server.socket.opens().says(caughtUp(0));
    first.client.close();
    const storage = storageOf(new Map([...probe.texts.keys()].map((key) => [key, text])));
    const { client, server } = fakeClient({ storage });
    expect(client.plan(planId).messages).toEqual([]);
    expect(server.socket.opens().frames).toEqual([{ type: 'subscribe', plan_id: planId }]);
  });

  it('is asked for before the server is, however long the storage takes', async () => {
    const { storage, texts, answer } = slowStorage();
    const first = fakeClient({ storage });
    const before = first.client.plan(planId);
    first.server.socket.opens();
    expect(first.server.socket.frames).toEqual([]);
    await answer();
    first.server.socket.says(...messages(1, 2), caughtUp(2));
    expect(before.state).toBe('live');
    first.clock.advance(1_000);
    first.server.socket.says(...messages(3, 3));
    first.clock.advance(1_000);
    first.server.socket.says(...messages(4, 4));
    first.clock.advance(1_000); // the first writing is still under way: one more comes behind it
    await answer();
    await answer();
    expect(JSON.parse([...texts.values()][0] ?? '').cursor.sequence).toBe(4);

    const next = fakeClient({ storage });
    const plan = next.client.plan(planId);
    await answer();
    expect(plan.messages).toHaveLength(4);
    expect(next.server.socket.opens().frames).toEqual([{ type: 'subscribe', plan_id: planId, after: 'c4' }]);
  });

  it('that cannot be kept is told once, and watched all the same', () => {
    const full = storageOf();
    full.setItem = () => {
      throw new Error('the quota has been exceeded');
    };
    const { client, server, clock, errors } = fakeClient({ storage: full });
    const plan = client.plan(planId);
    server.socket.opens().says(...messages(1, 2));
    clock.advance(1_000);
    server.socket.says(...messages(3, 3));
    clock.advance(1_000);
    expect(plan.messages).toHaveLength(3);
    expect(errors).toEqual([new Error('the quota has been exceeded')]);
  });
});
