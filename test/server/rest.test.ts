import { describe, expect, it } from 'vitest';
import { v3MessageRow } from '../../src/protocol/v3Frames.ts';
import { readAll } from '../../src/store/readAll.ts';
import { getJson, type Json, post } from './http.ts';
import { gate, sayingTeam, type TestServer, team, testServer } from './testServer.ts';

async function start(server: TestServer, body: Record<string, unknown> = {}): Promise<Json> {
  const response = await post(`${server.api}/process_request`, { description: 'Say something', ...body });
  expect(response.status).toBe(200);
  return await response.json();
}

describe('POST /process_request', () => {
  it('starts the run at once, and every message of it is kept though nobody ever connects', async () => {
    const server = await testServer({ teams: [sayingTeam(20)] });
    const { plan_id, status } = await start(server);
    expect(status).toBe('created');
    await server.happened('run_completed');
    const { plan, messages } = await getJson(`${server.api}/plan?plan_id=${plan_id}`);
    expect(messages.map(({ sequence }: Json) => sequence)).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
    expect(messages.at(-1)).toMatchObject({ type: 'final_result_message', content: 'done' });
    expect(plan.status).toBe('completed');
  });

  it.each(['sid_1732300000000_4711', '', ' ', 'ü/\\"\u0000\ud800', 'x'.repeat(5_000)])(
    'echoes the session id %j unchanged',
    async (sessionId) => {
      const server = await testServer();
      const { plan_id, session_id } = await start(server, { session_id: sessionId });
      expect(session_id).toBe(sessionId);
      expect((await getJson(`${server.api}/plan?plan_id=${plan_id}`)).plan.session_id).toBe(sessionId);
    },
  );

  it('makes a session id where none is given, and ignores members it does not know', async () => {
    const server = await testServer();
    const one = await start(server, { unknown: { deep: [1] }, plan_id: 'mine', session_id: null, team_id: null });
    const other = await start(server);
    expect(one.session_id).toMatch(/./);
    expect(one.session_id).not.toBe(other.session_id);
    expect(one.plan_id).not.toBe('mine');
  });

  it('runs the team that is named, and answers 404 for one that is not there', async () => {
    const server = await testServer({ teams: [sayingTeam(1), team(async () => 'from the other', 'other')] });
    const { plan_id } = await start(server, { team_id: 'other' });
    await server.happened('run_completed');
    const { messages, team: shown } = await getJson(`${server.api}/plan?plan_id=${plan_id}`);
    expect(messages.at(-1).content).toBe('from the other');
    expect(shown.team_id).toBe('other');
    const response = await post(`${server.api}/process_request`, { description: 'x', team_id: 'nobody' });
    expect([response.status, await response.json()]).toEqual([404, { detail: expect.stringContaining('nobody') }]);
  });

  it('knows the user by the header', async () => {
    const server = await testServer();
    const response = await post(
      `${server.api}/process_request`,
      { description: 'x' },
      { 'x-ms-client-principal-id': 'ann' },
    );
    const { plan_id } = (await response.json()) as Json;
    expect((await getJson(`${server.api}/plan?plan_id=${plan_id}`)).plan.user_id).toBe('ann');
    const anonymous = await start(server);
    expect((await getJson(`${server.api}/plan?plan_id=${anonymous.plan_id}`)).plan.user_id).toBe(
      '00000000-0000-0000-0000-000000000000',
    );
  });
});

describe('GET /plan', () => {
  it('has all five keys, and the plan object of the contract', async () => {
    const server = await testServer();
    const { plan_id, session_id } = await start(server);
    await server.happened('run_completed');
    const answer = await getJson(`${server.api}/plan?plan_id=${plan_id}`);
    expect(Object.keys(answer).sort()).toEqual(['m_plan', 'messages', 'plan', 'streaming_message', 'team']);
    expect(answer).toMatchObject({ m_plan: null, streaming_message: null, team: { team_id: 'saying' } });
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(answer.plan).toEqual({
      id: plan_id,
      plan_id,
      session_id,
      user_id: '00000000-0000-0000-0000-000000000000',
      description: 'Say something',
      initial_goal: 'Say something',
      status: 'completed',
      overall_status: 'completed',
      steps: [],
      created_at: time,
      updated_at: time,
      timestamp: answer.plan.created_at,
      data_type: 'plan',
    });
  });

  it('lists the stored bytes, character for character', async () => {
    const server = await testServer({ teams: [sayingTeam(25)] });
    const { plan_id } = await start(server);
    await server.happened('run_completed');
    const text = await (await fetch(`${server.api}/plan?plan_id=${plan_id}`)).text();
    const rows = await Array.fromAsync(readAll(server.store.log, plan_id), v3MessageRow);
    expect(rows).toHaveLength(26);
    expect(text).toContain(`"messages":[${rows.join(',')}],`);
  });

  it('gives each row what the web app reads', async () => {
    const server = await testServer();
    await server.indelible.save({
      planId: 'p',
      agentName: 'Ann',
      agentType: 'Human_Agent',
      content: '',
      metadata: { a: 1 },
    });
    const { messages } = await getJson(`${server.api}/plan?plan_id=p`);
    expect(messages).toEqual([
      {
        message_id: expect.any(String),
        plan_id: 'p',
        sequence: 1,
        version: 1,
        type: 'agent_message',
        agent: 'Ann',
        agent_name: 'Ann',
        agent_type: 'Human_Agent',
        content: '',
        timestamp: expect.stringMatching(/Z$/),
        metadata: { a: 1 },
        steps: [],
        next_steps: [],
        raw_data: '',
      },
    ]);
  });

  it('tells what the run is at: approved while it goes on, completed or failed when it ended', async () => {
    const running = gate();
    const failing = team(async () => Promise.reject(new Error('no')), 'failing');
    const waiting = team(async () => running.opened.then(() => 'done'), 'waiting');
    const server = await testServer({ teams: [waiting, failing] });
    const plans = {
      waiting: (await start(server)).plan_id,
      failing: (await start(server, { team_id: 'failing' })).plan_id,
    };
    const statusOf = async (id: string) => {
      const { plan } = await getJson(`${server.api}/plan?plan_id=${id}`);
      return [plan.status, plan.overall_status];
    };
    expect(await statusOf(plans.waiting)).toEqual(['in_progress', 'approved']);
    await server.happened('run_failed');
    await expect.poll(() => statusOf(plans.failing)).toEqual(['failed', 'failed']);
    running.open();
    await server.happened('run_completed');
    await expect.poll(() => statusOf(plans.waiting)).toEqual(['completed', 'completed']);
  });

  it('tells the text so far of an answer that is being streamed', async () => {
    const server = await testServer();
    await server.save('p', 1, 1);
    const { live } = server.indelible;
    const streaming = async () => (await getJson(`${server.api}/plan?plan_id=p`)).streaming_message;
    live.streamStarted('p', 's', 'Scribe');
    live.streamDelta('p', 's', 'Scribe', 'half of "it" ');
    expect(await streaming()).toBe('half of "it" ');
    live.streamEnded('p', 's', 'Scribe', 'half of "it" and the rest');
    expect(await streaming()).toBeNull();
  });

  it('answers 404 in the words of the contract for a plan that is not there', async () => {
    const server = await testServer();
    const response = await fetch(`${server.api}/plan?plan_id=nowhere`);
    expect([response.status, await response.text()]).toEqual([404, '{"detail":"Plan not found"}']);
  });

  it('lists a long plan whole and in order', async () => {
    const server = await testServer();
    const count = 2_500;
    await Promise.all(
      Array.from({ length: count }, (_, index) =>
        server.indelible.save({ planId: 'p', agentName: 'a', content: `${index}`.repeat(50) }),
      ),
    );
    const { messages } = await getJson(`${server.api}/plan?plan_id=p`);
    expect(messages.map(({ content }: Json) => content)).toEqual(
      Array.from({ length: count }, (_, index) => `${index}`.repeat(50)),
    );
  });

  it('reads no further than its reader: one that stops, or goes away, costs no more than the pages under way', async () => {
    const server = await testServer();
    const content = 'x'.repeat(20_000);
    await Promise.all(
      Array.from({ length: 6_000 }, () => server.indelible.save({ planId: 'p', agentName: 'a', content })),
    );
    let pages = 0;
    server.faults.script = ({ name }) => {
      if (name === 'read') pages++;
      return 'none';
    };
    const response = await fetch(`${server.api}/plan?plan_id=p`);
    const reader = response.body!.getReader();
    await reader.read();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const whileStopped = pages;
    for (let next = await reader.read(); !next.done; next = await reader.read());
    const all = pages;
    expect(all).toBeGreaterThan(20); // 120 MB in pages of 4 MiB
    expect(whileStopped).toBeLessThan(all / 2);
    pages = 0;
    const leaving = new AbortController();
    const left = await fetch(`${server.api}/plan?plan_id=p`, { signal: leaving.signal });
    await left.body!.getReader().read();
    leaving.abort();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(pages).toBeLessThan(all / 2);
  });
});

describe('GET /plans', () => {
  it('lists the plans of a session, newest first, without messages', async () => {
    const server = await testServer();
    const one = await start(server, { session_id: 'a b&c=%/' });
    const other = await start(server, { session_id: 'a b&c=%/' });
    await start(server, { session_id: 'another' });
    const plans = await getJson(`${server.api}/plans?session_id=${encodeURIComponent('a b&c=%/')}`);
    expect(plans.map(({ id }: Json) => id)).toEqual([other.plan_id, one.plan_id]);
    expect(plans[0]).not.toHaveProperty('messages');
    expect(plans[0]).toMatchObject({ data_type: 'plan', session_id: 'a b&c=%/' });
    expect(await getJson(`${server.api}/plans`)).toHaveLength(3);
    expect(await getJson(`${server.api}/plans?session_id=nobody`)).toEqual([]);
  });

  it('lists no more than the newest so many', async () => {
    const server = await testServer({ limits: { maxListedPlans: 2 } });
    const started = [await start(server), await start(server), await start(server)];
    const plans = await getJson(`${server.api}/plans`);
    expect(plans.map(({ id }: Json) => id)).toEqual([started[2].plan_id, started[1].plan_id]);
  });
});

describe('the other calls', () => {
  it('init_team names a team that is in team_configs and in teams', async () => {
    const server = await testServer({ teams: [sayingTeam(1, 'first'), sayingTeam(1, 'second')] });
    const { status, team_id, team: shown } = await getJson(`${server.api}/init_team?team_switched=false`);
    expect([status, team_id, shown.team_id]).toEqual(['Request started successfully', 'first', 'first']);
    const teams = await getJson(`${server.api}/team_configs`);
    expect(teams.map(({ team_id: id }: Json) => id)).toEqual(['first', 'second']);
    expect(teams[0]).toMatchObject({
      id: 'first',
      name: 'The first team',
      starting_tasks: [],
      agents: [{ name: 'Scribe' }],
    });
    expect(await getJson(`${server.api}/teams`)).toEqual(teams);
  });

  it('user_browser_language is received', async () => {
    const { url } = await testServer();
    const response = await post(`${url}/api/user_browser_language`, { language: 'de-DE' });
    expect([response.status, await response.json()]).toEqual([200, { status: 'received', language: 'de-DE' }]);
  });

  it('health tells what is running', async () => {
    const server = await testServer();
    server.faults.refuse();
    for (const url of [`${server.api}/health`, `${server.url}/health`]) {
      const version = expect.stringMatching(/^\d+\.\d+\.\d+/);
      const spool = { depth: 0, set_aside: 0, oldest_age_seconds: 0 };
      expect(await getJson(url)).toEqual({
        status: 'healthy',
        service: 'indelible',
        version,
        breaker: 'closed',
        spool,
      });
    }
  });

  it('health says degraded when messages do not go to the database, and is not ready without a disk to keep them', async () => {
    const server = await testServer();
    expect(await getJson(`${server.url}/ready`)).toMatchObject({ ready: true });
    server.faults.refuse();
    await server.indelible.save({ planId: 'p', agentName: 'a', content: 'x' });
    expect(await getJson(`${server.url}/health`)).toMatchObject({ status: 'degraded' });
    const ready = await fetch(`${server.url}/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ ready: false, can_spool: false });
  });

  it('metrics are for Prometheus', async () => {
    const server = await testServer();
    await server.save('p', 1, 3);
    const answer = await fetch(`${server.url}/metrics`);
    expect(answer.headers.get('content-type')).toContain('text/plain');
    const text = await answer.text();
    expect(text).toContain('indelible_saves_total{outcome="stored"} 3');
    expect(text).toContain('indelible_breaker_state{state="closed"} 1');
    expect(text).toContain('indelible_spool_depth 0');
  });

  it('agent_message is acknowledged and never stored', async () => {
    const server = await testServer();
    await server.save('p', 1, 2);
    const [row] = (await getJson(`${server.api}/plan?plan_id=p`)).messages;
    const sent = { ...row, agent: 'Scribe', content: 'altered', is_final: true, raw_data: '{}', streaming_message: '' };
    const response = await post(`${server.api}/agent_message`, sent);
    expect([response.status, await response.json()]).toEqual([200, expect.any(Object)]);
    expect((await getJson(`${server.api}/plan?plan_id=p`)).messages).toHaveLength(2);
  });
});
