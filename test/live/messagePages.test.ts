import { describe, expect, it } from 'vitest';
import { encodeCursor } from '../../src/protocol/cursor.ts';
import { prepareMessage } from '../../src/protocol/message.ts';
import { getJson, type Json } from '../server/http.ts';
import { type TestServer, testServer } from '../server/testServer.ts';
import { refusedUpgrade, WatchingClient, watch } from '../server/watchingClient.ts';
import { upTo } from './liveTestClient.ts';

const pageUrl = ({ url }: TestServer, query = '', planId = 'p') => `${url}/api/v1/plans/${planId}/messages${query}`;

function cursorAt({ store }: TestServer, planId: string, sequence: number, epoch = store.log.epoch): string {
  return encodeCursor({ epoch, planId, sequence, revision: 0 });
}

describe('GET /api/v1/plans/{id}/messages', () => {
  it('gives the log in pages, each going on at the cursor of the one before', async () => {
    const server = await testServer();
    await server.save('p', 1, 25);
    const seen: number[] = [];
    let query = '?limit=10';
    let more = true;
    for (let pages = 0; more; pages++) {
      const page = await getJson(pageUrl(server, query));
      expect(Object.keys(page)).toEqual(['plan_id', 'messages', 'cursor', 'more']);
      seen.push(...page.messages.map(({ sequence }: Json) => sequence));
      query = `?limit=10&after=${page.cursor}`;
      ({ more } = page);
      expect(pages).toBeLessThan(4);
    }
    expect(seen).toEqual(upTo(25));
    await server.save('p', 26, 26);
    expect((await getJson(pageUrl(server, query))).messages).toEqual([
      { sequence: 26, version: 1, message: expect.objectContaining({ content: 'message 26', plan_id: 'p' }) },
    ]);
  });

  it('gives what was edited since, before what is new', async () => {
    const server = await testServer();
    await server.save('p', 1, 2);
    const { cursor, messages } = await getJson(pageUrl(server));
    const { message_id: messageId } = messages[0].message;
    const edited = prepareMessage({ planId: 'p', agentName: 'a', content: 'edited', messageId }, { now: Date.now });
    await server.store.log.update(edited, 1);
    await server.save('p', 3, 3);
    const since = await getJson(pageUrl(server, `?after=${cursor}`));
    expect(since.messages.map(({ sequence, version }: Json) => [sequence, version])).toEqual([
      [1, 2],
      [3, 1],
    ]);
  });

  it('of a plan that nobody knows is empty, and its cursor good for what comes', async () => {
    const server = await testServer();
    const { cursor, ...page } = await getJson(pageUrl(server));
    expect(page).toEqual({ plan_id: 'p', messages: [], more: false });
    await server.save('p', 1, 1);
    expect((await getJson(pageUrl(server, `?after=${cursor}`))).messages).toHaveLength(1);
  });

  it('answers reset to a cursor beyond the head or of another history (P19)', async () => {
    const server = await testServer();
    await server.save('p', 1, 3);
    for (const cursor of [cursorAt(server, 'p', 4), cursorAt(server, 'p', 2, 'another')]) {
      expect(await getJson(pageUrl(server, `?after=${cursor}`))).toEqual({ plan_id: 'p', reset: true });
    }
  });

  it('tells what was trimmed', async () => {
    const server = await testServer();
    await server.save('p', 1, 9);
    await server.store.log.trim('p', 5);
    expect((await getJson(pageUrl(server))).gap).toEqual({ from: 1, to: 5 });
    expect(await getJson(pageUrl(server, `?after=${cursorAt(server, 'p', 5)}`))).not.toHaveProperty('gap');
  });

  it.each([
    '?after=-1',
    '?after=1.5',
    '?after=1e3',
    '?after=9007199254740993',
    '?after=NaN',
    '?after=',
    '?after[]=1',
    '?limit=0',
    '?limit=-1',
    '?limit=1.5',
    '?limit=x',
    '?limit=',
    '?limit=0x10',
  ])('%s is 400', async (query) => {
    const server = await testServer();
    expect((await fetch(pageUrl(server, query))).status).toBe(400);
  });

  it("is 400 for another plan's cursor, and for one that was changed", async () => {
    const server = await testServer();
    await server.save('p', 1, 3);
    const good = cursorAt(server, 'p', 1);
    for (const cursor of [cursorAt(server, 'q', 1), `${good}x`, good.replace('1.1.', '1.2.')]) {
      expect((await fetch(pageUrl(server, `?after=${cursor}`))).status).toBe(400);
    }
  });

  it('clamps a limit that is too high', async () => {
    const server = await testServer();
    await server.save('p', 1, 3);
    for (const limit of ['1e9', '1000000000']) {
      expect((await getJson(pageUrl(server, `?limit=${limit}`))).messages).toHaveLength(3);
    }
  });

  it('is 503 with Retry-After while the database is away, 405 for other methods, and bodiless for HEAD', async () => {
    const server = await testServer();
    expect((await fetch(pageUrl(server), { method: 'DELETE' })).status).toBe(405);
    expect(await (await fetch(pageUrl(server), { method: 'HEAD' })).text()).toBe('');
    for (const name of ['heads', 'read']) {
      server.faults.script = (call) => (call.name === name ? 'hang' : 'none');
      const answer = await fetch(pageUrl(server));
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
      server.faults.heal();
    }
  });
});

describe('a v3 socket that names a cursor', () => {
  const v3Url = ({ port }: TestServer, after: string) =>
    `ws://127.0.0.1:${port}/api/v3/socket/p?user_id=ann&after=${encodeURIComponent(after)}`;

  it('is sent all that is behind it, however much that is', async () => {
    const server = await testServer();
    await server.save('p', 1, 90);
    const client = new WatchingClient(v3Url(server, cursorAt(server, 'p', 12)));
    await client.until(({ sequences }) => sequences.length === 78);
    await client.settled();
    expect(client.sequences).toEqual(upTo(90, 13));
    const without = await watch(server, 'p');
    await without.settled();
    expect(without.sequences).toEqual(upTo(90, 81));
  });

  it('that is of another history, or beyond the end, is sent the log from its beginning', async () => {
    const server = await testServer();
    await server.save('p', 1, 60);
    for (const cursor of [cursorAt(server, 'p', 12, 'another'), cursorAt(server, 'p', 99)]) {
      const client = new WatchingClient(v3Url(server, cursor));
      await client.until(({ sequences }) => sequences.length === 60);
      expect(client.sequences).toEqual(upTo(60));
    }
  });

  it.each(['', '-1', '1e3', 'nonsense'])('%j that is none is refused before the upgrade: 400', async (after) => {
    expect(await refusedUpgrade(v3Url(await testServer(), after))).toBe(400);
  });
});
