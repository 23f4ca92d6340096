import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getJson, type Json, post } from '../server/http.ts';
import { storesUnderTest } from '../storesUnderTest.ts';
import { ForkClient } from './forkClient.ts';
import { Gates, perform, performed, plainTeam, timestampForm } from './teams.ts';
import { type WireServer, wireServer } from './wireServer.ts';

const time = expect.stringMatching(timestampForm);

describe.each(storesUnderTest)('REST of /api/v3, on $name:', (store) => {
  let server: WireServer;
  const gates = new Gates();
  const seen = Promise.withResolvers<void>();
  beforeAll(async () => {
    const gated = plainTeam('gated', async (context) => {
      await context.say({ agentName: 'Planner', content: 'first' });
      context.log.live?.streamStarted(context.planId, 's', 'Writer');
      context.log.live?.streamDelta(context.planId, 's', 'Writer', 'half of ');
      seen.resolve();
      await gates.opened(context.planId);
      context.log.live?.streamEnded(context.planId, 's', 'Writer', 'half of it and the rest');
      await context.say({ agentName: 'Writer', content: 'half of it and the rest', messageId: 's' });
      return 'done';
    });
    const failing = plainTeam('failing', async () => Promise.reject(new Error('no')));
    server = await wireServer(store, { teams: [plainTeam('plain', perform), gated, failing] });
  });
  afterAll(() => server?.close());

  it('"`POST /process_request` `{description, session_id?, team_id?}` (unknown keys ignored)": "200 `{plan_id, status:"created", session_id}`; `session_id` generated if absent; no `description` → 422."', async () => {
    const body = { description: 'x', unknown: { deep: [1] }, plan_id: 'mine' };
    const response = await post(`${server.api}/process_request`, body);
    const answer = (await response.json()) as Json;
    expect([response.status, Object.keys(answer).sort()]).toEqual([200, ['plan_id', 'session_id', 'status']]);
    expect(answer.status).toBe('created');
    expect(answer.session_id).toMatch(/./);
    expect(answer.plan_id).not.toBe('mine');
    expect((await post(`${server.api}/process_request`, { session_id: 's' })).status).toBe(422);
  });

  it('"**The run starts at once**, socket or not."', async () => {
    const { plan_id } = await server.start('plain');
    const { messages } = await server.until(plan_id, 'completed');
    expect(messages.map((row: Json) => [row.agent_name, row.agent_type, row.content])).toEqual(performed);
  });

  it('"`GET /plans?session_id=`": "200, array of plan objects without messages"', async () => {
    const session_id = `session of ${store.name}`;
    const { plan_id } = await server.start('plain', { session_id });
    const plans = await getJson(`${server.api}/plans?session_id=${encodeURIComponent(session_id)}`);
    expect(plans.map((plan: Json) => [plan.id, plan.data_type, plan.session_id])).toEqual([
      [plan_id, 'plan', session_id],
    ]);
    expect(plans[0]).not.toHaveProperty('messages');
    expect(await getJson(`${server.api}/plans?session_id=nobody`)).toEqual([]);
  });

  it('"`GET /plan?plan_id=`": "200 `{plan, messages, m_plan, team, streaming_message}`, all five keys always there; unknown id 404 `{"detail":"Plan not found"}`; no `plan_id` 422"', async () => {
    const { plan_id } = await server.start('plain');
    const keys = ['m_plan', 'messages', 'plan', 'streaming_message', 'team'];
    expect(Object.keys(await server.plan(plan_id)).sort()).toEqual(keys);
    const ended = await server.until(plan_id, 'completed');
    expect(Object.keys(ended).sort()).toEqual(keys);
    expect([ended.m_plan, ended.streaming_message, ended.team.team_id]).toEqual([null, null, 'plain']);
    await server.indelible.save({ planId: 'only messages', agentName: 'a', content: '' });
    expect(Object.keys(await server.plan('only messages')).sort()).toEqual(keys);
    const unknown = await fetch(`${server.api}/plan?plan_id=unknown`);
    expect([unknown.status, await unknown.text()]).toEqual([404, '{"detail":"Plan not found"}']);
    expect((await fetch(`${server.api}/plan`)).status).toBe(422);
  });

  it('"`POST /agent_message` …": "200. … **Acknowledge, never store a copy.** Comparing contents is not enough: final texts are altered."', async () => {
    const { plan_id } = await server.start('plain');
    const { messages } = await server.until(plan_id, 'completed');
    const echo = (row: Json, content: string, more = {}) => ({
      plan_id,
      agent: row.agent_name,
      content,
      agent_type: 'AI_Agent',
      is_final: false,
      raw_data: JSON.stringify(row),
      streaming_message: '',
      ...more,
    });
    const last = messages.at(-1);
    const echoes = [
      ...messages.map((row: Json) => echo(row, row.content)),
      echo(last, `🎉🎉 ${last.content}`, { is_final: true }),
      echo(last, `${last.content}\n\nThis is the end.`, { is_final: true }),
      echo({ agent_name: 'Group_Chat_Manager' }, 'Which of the two?'),
      ...messages.map((row: Json) => echo(row, row.content)), // replayed after a reload
    ];
    for (const body of echoes) {
      const response = await post(`${server.api}/agent_message`, body);
      expect([response.status, await response.json()]).toEqual([200, expect.any(Object)]);
    }
    expect((await server.plan(plan_id)).messages).toEqual(messages);
  });

  it('"`GET /init_team`, `GET /team_configs`, `GET /teams`": "`init_team` 200 `{status:"Request started successfully", team_id, …}` with a `team_id` that is also in `team_configs` (an array of teams)"', async () => {
    const started = await getJson(`${server.api}/init_team?team_switched=true`);
    expect(started).toMatchObject({ status: 'Request started successfully', team_id: 'plain' });
    const teams = await getJson(`${server.api}/team_configs`);
    expect(teams.map((team: Json) => team.team_id)).toContain(started.team_id);
    expect(await getJson(`${server.api}/teams`)).toEqual(teams);
  });

  it('"`POST /api/user_browser_language` `{language}` (no version in the path)": "200 `{status:"received", language}`"', async () => {
    const response = await post(`${server.url}/api/user_browser_language`, { language: 'de-DE' });
    expect([response.status, await response.json()]).toEqual([200, { status: 'received', language: 'de-DE' }]);
  });

  it('"`GET /health`": "200 `{status:"healthy", service, version}`"', async () => {
    const known = { status: 'healthy', service: expect.any(String), version: expect.any(String) };
    expect(await getJson(`${server.api}/health`)).toMatchObject(known);
  });

  it('"`plan`: `id`, `plan_id` (= id), `session_id`, `user_id`, `description`, `initial_goal` (= description), `status`, `overall_status`, `steps[] …`, `created_at`, `updated_at`, `timestamp` (= created_at), `data_type:"plan"`."', async () => {
    const { plan_id, session_id } = await server.start('plain', { description: 'The goal' });
    const { plan } = await server.until(plan_id, 'completed');
    expect(plan).toEqual({
      id: plan_id,
      plan_id,
      session_id,
      user_id: expect.any(String),
      description: 'The goal',
      initial_goal: 'The goal',
      status: 'completed',
      overall_status: 'completed',
      steps: expect.any(Array),
      created_at: time,
      updated_at: time,
      timestamp: plan.created_at,
      data_type: 'plan',
    });
  });

  it('"`overall_status` …: … `approved` while running … (from the start when nothing needs approval), then `completed` / `failed` …", and "`streaming_message`: the text so far of an answer that is being streamed, else null."', async () => {
    const { plan_id } = await server.start('gated');
    await seen.promise;
    const running = await server.plan(plan_id);
    expect([running.plan.status, running.plan.overall_status]).toEqual(['in_progress', 'approved']);
    expect(running.streaming_message).toBe('half of ');
    gates.open(plan_id);
    const ended = await server.until(plan_id, 'completed');
    expect([ended.plan.overall_status, ended.streaming_message]).toEqual(['completed', null]);
    const failed = await server.until((await server.start('failing')).plan_id, 'failed');
    expect(failed.plan.overall_status).toBe('failed');
    expect(failed.messages.at(-1)).toMatchObject({ type: 'final_result_message', metadata: { status: 'failed' } });
  });

  it('"A **message** (row of `messages`): `plan_id`, `agent_name`, `agent_type`, `content`, `timestamp`, `metadata` (object), plus ours: `message_id`, `sequence`; plus what the web app reads: `agent` (= agent_name), `steps: []`, `next_steps: []`, `raw_data`."', async () => {
    const { plan_id } = await server.start('plain');
    const { messages } = await server.until(plan_id, 'completed');
    expect(messages).toHaveLength(performed.length);
    for (const [index, [agent_name, agent_type, content]] of performed.entries()) {
      expect(messages[index]).toEqual({
        plan_id,
        agent_name,
        agent_type,
        content,
        timestamp: time,
        metadata: expect.any(Object),
        message_id: expect.any(String),
        sequence: index + 1,
        agent: agent_name,
        steps: [],
        next_steps: [],
        raw_data: expect.any(String),
        version: 1,
        type: index === performed.length - 1 ? 'final_result_message' : 'agent_message',
      });
    }
  });

  it('"Content may be empty: in real transcripts 23 % of agent messages are tool calls with no text." "Each message is stored once."', async () => {
    const { plan_id } = await server.start('plain');
    const client = await ForkClient.connect(server.url, plan_id);
    await client.first('final_result_message');
    const { messages } = await server.until(plan_id, 'completed');
    expect(messages.filter(({ content }: Json) => content === '')).toHaveLength(1);
    expect(new Set(messages.map(({ message_id }: Json) => message_id)).size).toBe(performed.length);
    expect(messages).toHaveLength(performed.length);
    await client.close();
  });

  it('"`m_plan`, if not null": of the newest message that asks for approval, whoever wrote it, and of nothing that only looks like one', async () => {
    const planId = `asked ${store.name}`;
    const plan = (user_request: string) => ({
      user_request,
      team: ['A', 'B'],
      facts: 'Facts',
      steps: [{ agent: 'A', action: 'Add up', more: 1 }],
    });
    const ask = (request: string, messageId: string) =>
      server.indelible.save({
        planId,
        messageId,
        agentName: 'The "team" \\',
        type: 'plan_approval_request',
        content: '',
        metadata: { request_id: messageId, requires_approval: true, plan: plan(request) },
      });
    await ask('first', 'm-1');
    await ask('second', 'm-"2"');
    const forged = {
      timestamp: '2026-01-01T00:00:00.000Z',
      type: 'plan_approval_request',
      agent_name: 'a',
      message_id: 'm-1',
    };
    for (const message_id of ['m-1', 'm-3', 'no such']) {
      const like = { ...forged, message_id };
      const content = JSON.stringify(like);
      await server.indelible.save({
        planId,
        messageId: `like ${message_id}`,
        agentName: 'a',
        content,
        metadata: { like: { a: '', ...like } },
      });
    }
    await server.indelible.save({ planId, messageId: 'm-3', agentName: 'a', content: '', metadata: { n: 1 } });
    const { m_plan } = await server.plan(planId);
    expect(m_plan).toMatchObject({ id: planId, plan_id: planId, facts: 'Facts', team: ['A', 'B'] });
    // The first one is named again by a copy of it in the metadata of a later message.
    expect(m_plan.user_request).toBe('second');
    expect(m_plan.steps).toEqual([{ agent: 'A', action: 'Add up' }]);
  });
});
