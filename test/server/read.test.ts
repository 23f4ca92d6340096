import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import { Runner } from '../../src/runs/runner.ts';
import { startServer } from '../../src/server/startServer.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { getJson, type Json } from './http.ts';
import { sayingTeam, type TestServer, testServer } from './testServer.ts';
import { watch } from './watchingClient.ts';

function as(user: string): RequestInit {
  return { headers: { 'x-ms-client-principal-id': user } };
}

async function markRead({ url }: TestServer, planId: string, body: unknown, user = 'ann') {
  const headers = { 'content-type': 'application/json', 'x-ms-client-principal-id': user };
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${url}/api/v1/plans/${planId}/read`, { method: 'PUT', headers, body: sent });
  return { status: response.status, answer: (await response.json()) as Json };
}

describe('PUT /api/v1/plans/{plan_id}/read', () => {
  it('moves the user’s position on, never back, never beyond the last message', async () => {
    const server = await testServer();
    await server.save('p', 1, 10);
    expect(await markRead(server, 'p', { sequence: 4 })).toEqual({
      status: 200,
      answer: { plan_id: 'p', read: 4, unread: 6 },
    });
    expect(await markRead(server, 'p', { sequence: 2 })).toMatchObject({ answer: { read: 4, unread: 6 } });
    expect(await markRead(server, 'p', { sequence: 99 })).toMatchObject({ answer: { read: 10, unread: 0 } });
  });

  it('tells who watches the plan in this process, and sends nothing to a v3 socket', async () => {
    const server = await testServer();
    await server.save('p', 1, 3);
    const events: unknown[] = [];
    server.indelible.feed.subscribe(
      'p',
      { sequence: 3, revision: 0 },
      { messages: () => {}, live: (event) => void events.push(event) },
    );
    const socket = await watch(server, 'p');
    await markRead(server, 'p', { sequence: 2 });
    expect(events).toMatchObject([{ type: 'read_position', planId: 'p', userId: 'ann', sequence: 2 }]);
    await server.save('p', 4, 4);
    await socket.until(({ rows }) => rows.some(({ sequence }) => sequence === 4));
    expect(JSON.stringify(socket)).not.toContain('read_position');
  });

  it.each([
    [{}, 422],
    [{ sequence: -1 }, 422],
    [{ sequence: 1.5 }, 422],
    [{ sequence: '1' }, 422],
    [{ sequence: 2 ** 53 }, 422],
    [{ sequence: 1, user_id: 'bob' }, 422],
    ['not JSON', 400],
  ])('refuses %j with %i, and moves nothing', async (body, status) => {
    const server = await testServer();
    await server.save('p', 1, 3);
    expect((await markRead(server, 'p', body)).status).toBe(status);
    expect((await server.store.readPositions.unread('ann', ['p'])).get('p')).toEqual({ read: 0, unread: 3 });
  });

  it('answers 404 for a plan that is not there, 400 for an id that is none, 503 while the database is away', async () => {
    const server = await testServer();
    expect((await markRead(server, 'nowhere', { sequence: 1 })).status).toBe(404);
    expect((await markRead(server, '%ff', { sequence: 1 })).status).toBe(400);
    server.faults.refuse();
    expect((await markRead(server, 'p', { sequence: 1 })).status).toBe(503);
  });
});

describe('GET /api/v1/plans', () => {
  it('lists the plans that are named, with what is unread of each, in one question for all', async () => {
    const server = await testServer();
    for (const [plan, count] of [
      ['a', 3],
      ['b', 5],
      ['c', 1],
    ] as const)
      await server.save(plan, 1, count);
    await markRead(server, 'b', { sequence: 2 });
    const asked: string[] = [];
    server.faults.script = ({ name }) => {
      asked.push(name);
      return 'none';
    };
    const plans = await getJson(`${server.url}/api/v1/plans?plan_id=a&plan_id=b&plan_id=unknown`, as('ann'));
    expect(asked).toEqual(['plans.list', 'readPositions.unread']);
    expect(
      plans.map(({ plan_id, message_count, read, unread }: Json) => [plan_id, message_count, read, unread]),
    ).toEqual([
      ['b', 5, 2, 3],
      ['a', 3, 0, 3],
    ]);
    expect(plans[0]).toMatchObject({ id: 'b', status: 'in_progress', data_type: 'plan' });
  });

  it('lists those of a session, and without either the newest', async () => {
    const server = await testServer();
    for (const [plan, session_id] of [
      ['a', 'one'],
      ['b', 'two'],
      ['c', 'one'],
    ])
      await fetch(`${server.url}/api/v1/plans/${plan}`, { method: 'PUT', body: JSON.stringify({ session_id }) });
    const ids = async (query: string) =>
      (await getJson(`${server.url}/api/v1/plans${query}`)).map(({ plan_id }: Json) => plan_id);
    expect(await ids('?session_id=one')).toEqual(['c', 'a']);
    expect(await ids('?session_id=one&plan_id=b&plan_id=c')).toEqual(['c']);
    expect(await ids('')).toEqual(['c', 'b', 'a']);
  });

  it('P20: shows each user their own positions and nobody else’s', async () => {
    const server = await testServer();
    await server.save('p', 1, 5);
    await markRead(server, 'p', { sequence: 4 }, 'bob');
    const read = async (init?: RequestInit) => (await getJson(`${server.url}/api/v1/plans?plan_id=p`, init))[0].read;
    expect([await read(as('ann')), await read(as('bob')), await read()]).toEqual([0, 4, 0]);
  });

  it.each(['?plan_id=', '?plan_id[]=p', '?plan_id=%ff', `?${'plan_id=p&'.repeat(101)}`])(
    'refuses %s with 400',
    async (query) => {
      const server = await testServer();
      expect((await fetch(`${server.url}/api/v1/plans${query}`)).status).toBe(400);
    },
  );
});

it('GET /api/v3/plan tells the text so far on any server, and null once the message is stored', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'indelible-drafts-'));
  const [agent, other] = [0, 1].map(() => new Indelible(openSqliteStore(join(folder, 'log.db')))) as [
    Indelible,
    Indelible,
  ];
  const server = await startServer({ indelible: other, runner: new Runner(other, [sayingTeam(1)]), port: 0 });
  onTestFinished(async () => {
    await server.close();
    await Promise.all([agent.close(), other.close()]);
    rmSync(folder, { recursive: true, force: true });
  });
  const streaming = async () => (await getJson(`${server.url}/api/v3/plan?plan_id=p`)).streaming_message;
  await agent.save({ planId: 'p', agentName: 'A', content: 'first' });
  agent.live.streamStarted('p', 's', 'A');
  agent.live.streamDelta('p', 's', 'A', 'half of "it" ');
  await expect.poll(streaming, { timeout: 10_000 }).toBe('half of "it" ');
  agent.live.streamEnded('p', 's', 'A', 'half of "it" and the rest');
  await agent.save({ planId: 'p', messageId: 's', agentName: 'A', content: 'half of "it" and the rest' });
  expect(await streaming()).toBeNull();
});
