import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Team } from '../../src/runs/team.ts';
import { type Json, post } from '../server/http.ts';
import { storesUnderTest } from '../storesUnderTest.ts';
import { approvingTeam, askingGraph, context, facts, question, steps } from './askingTeams.ts';
import { ForkClient } from './forkClient.ts';
import { Gates, plainTeam, timestampForm } from './teams.ts';
import { WebApp } from './webApp.ts';
import { type WireServer, wireServer } from './wireServer.ts';

const some = expect.stringMatching(/./);

describe.each(storesUnderTest)('People in a run, over /api/v3, on $name:', (store) => {
  let server: WireServer;
  const gates = new Gates();
  beforeAll(async () => {
    const held = plainTeam('held', (run) => gates.opened(run.planId).then(() => 'done'));
    const plan: Team['plan'] = async ({ planId }) => gates.opened(planId).then(() => ({ steps: [] }));
    const planning: Team = { ...approvingTeam, id: 'planning', plan };
    server = await wireServer(store, { teams: [approvingTeam, askingGraph(), held, planning] });
  });
  afterAll(() => server?.close());

  const call = async (path: string, body: unknown) => {
    const response = await post(`${server.url}/api/${path}`, body);
    return [response.status, (await response.json()) as Json] as const;
  };
  const waiting = async (team: string, status = 'pending_approval') => {
    const { plan_id } = await server.start(team, { description: 'Count' });
    await server.until(plan_id, status);
    return plan_id as string;
  };
  /** A graph that was approved and waits for the answer to its question; and what asks it. */
  const questioned = async () => {
    const plan_id = await waiting('graph');
    await call('v3/plan_approval', { m_plan_id: plan_id, approved: true });
    const { messages } = await server.until(plan_id, 'pending_clarification');
    return { plan_id, asked: messages.at(-1) as Json };
  };
  const contents = ({ messages }: Json) => messages.map(({ content }: Json) => content);

  it('"`POST /plan_approval` `{m_plan_id, approved, feedback?, plan_id?}`": "200 `{status, message}`, status `processing`, `rejected` or `error`."', async () => {
    const approved = await waiting('approving');
    const [status, answer] = await call('v3/plan_approval', { m_plan_id: approved, approved: true, unknown: 1 });
    expect([status, answer]).toEqual([200, { status: 'processing', message: some }]);
    await server.until(approved, 'completed');
    const rejected = await waiting('approving');
    const body = { m_plan_id: rejected, approved: false, feedback: 'Not so' };
    expect(await call('v3/plan_approval', body)).toEqual([200, { status: 'rejected', message: some }]);
    const ended = await server.until(rejected, 'rejected');
    expect(ended.plan.overall_status).toBe('canceled');
    expect(ended.messages.map(({ type }: Json) => type)).toEqual([
      'plan_approval_request',
      'plan_approval_response',
      'final_result_message',
    ]);
    // It was answered; and of a run that asks for nothing.
    expect(await call('v3/plan_approval', body)).toEqual([200, { status: 'error', message: some }]);
    const { plan_id: asksNothing } = await server.start('held');
    const error = await call('v3/plan_approval', { m_plan_id: asksNothing, approved: true });
    expect(error).toEqual([200, { status: 'error', message: some }]);
    gates.open(asksNothing);
    await server.indelible.save({ planId: 'no run', agentName: 'a', content: '' });
    const none = await call('v3/plan_approval', { m_plan_id: 'no run', approved: true });
    expect(none).toEqual([200, { status: 'error', message: some }]);
    const unknown = await call('v3/plan_approval', { m_plan_id: 'unknown', approved: true });
    expect(unknown).toEqual([404, { detail: 'Plan not found' }]);
  });

  it('"`POST /plan_approval` `{…, plan_id?}`": the plan’s own id is the m_plan_id of our frames; a plan_id beside it wins', async () => {
    const planId = await waiting('approving');
    const body = { m_plan_id: 'of another client', approved: true, plan_id: planId, feedback: null };
    expect((await call('v3/plan_approval', body))[1].status).toBe('processing');
    await server.until(planId, 'completed');
  });

  it.each([
    ['at once', undefined],
    ['late', 400],
  ])(
    '"**Answer first, resume after**: frames that overtake the answer are dropped by the web app ✓": written %s',
    async (_when, slowAnswersMs) => {
      const teams = [approvingTeam] as const;
      const asked = slowAnswersMs === undefined ? server : await wireServer(store, { teams, slowAnswersMs });
      const app = new WebApp(asked.url);
      await app.start('approving');
      await app.asked('plan_approval_request');
      expect(await app.approve(true, 'Be brief')).toEqual({ status: 'processing', message: some });
      await app.finished();
      expect(app.dropped).toEqual([]);
      const drawn = app.bubbles.map(({ content }) => content);
      expect(drawn).toContain('Task: Sum up\n\nFeedback on the plan: Be brief');
      expect(drawn.at(-1)).toBe('🎉🎉 All is done.');
      if (asked !== server) await asked.close();
    },
  );

  it('"`overall_status` drives the web app ✓: `in_progress` until approved, `approved` while running afterwards …, then `completed`"', async () => {
    const { plan_id } = await server.start('planning');
    const seen = new Set<string>();
    const overall = async () => {
      const { plan } = await server.plan(plan_id);
      seen.add(plan.overall_status);
      return plan.status;
    };
    expect(await overall()).toBe('pending');
    gates.open(plan_id);
    await expect.poll(overall, { interval: 1 }).toBe('pending_approval');
    expect([...seen]).toEqual(['in_progress']);
    const client = await ForkClient.connect(server.url, plan_id);
    await client.approve(true);
    await expect.poll(overall, { interval: 1 }).toBe('completed');
    expect([...seen].filter((status) => status !== 'approved')).toEqual(['in_progress', 'completed']);
    const { plan_id: graph } = await server.start('graph');
    await server.until(graph, 'pending_approval');
    await call('v3/plan_approval', { m_plan_id: graph, approved: true });
    const asking = await server.until(graph, 'pending_clarification');
    expect(asking.plan.overall_status).toBe('approved');
    await client.close();
  });

  it('"`m_plan`, if not null: `{id, user_id, team_id, plan_id, overall_status, user_request, team[], facts, steps[{agent, action}]}`."', async () => {
    for (const [team, agents] of [
      ['approving', ['Planner', 'Writer']],
      ['graph', ['planner', 'writer']],
    ] as const) {
      const plan_id = await waiting(team);
      const known = {
        id: plan_id,
        user_id: some,
        team_id: team,
        plan_id,
        user_request: 'Count',
        team: agents,
        facts,
        steps,
      };
      expect((await server.plan(plan_id)).m_plan).toEqual({ ...known, overall_status: 'in_progress' });
      await call('v3/plan_approval', { m_plan_id: plan_id, approved: true });
      const { m_plan } = await server.until(plan_id, 'completed', 'pending_clarification');
      expect(m_plan).toMatchObject(known);
      expect(['completed', 'approved']).toContain(m_plan.overall_status);
    }
  });

  it('"`plan_approval_request`": "`plan: {id: plan_id, user_request, team[], facts, steps[{agent, action}]}`, `requires_approval`": "yes"', async () => {
    const plan_id = await waiting('approving');
    const client = await ForkClient.connect(server.url, plan_id);
    const frame = await client.first('plan_approval_request');
    for (const payload of [frame.data, frame.data.data]) {
      expect(payload).toMatchObject({
        plan_id,
        agent_name: some,
        content: some,
        timestamp: expect.stringMatching(timestampForm),
        requires_approval: true,
      });
      expect(payload.plan).toEqual({ id: plan_id, user_request: 'Count', team: ['Planner', 'Writer'], facts, steps });
    }
    expect(frame.priority).toBe(2);
    expect((await server.plan(plan_id)).messages.map(({ type }: Json) => type)).toEqual(['plan_approval_request']);
    await client.close();
  });

  it('"`plan_approval_response`": "`status`, `feedback`": "yes"', async () => {
    for (const [approved, status] of [
      [true, 'approved'],
      [false, 'rejected'],
    ] as const) {
      const plan_id = await waiting('approving');
      const client = await ForkClient.connect(server.url, plan_id);
      await client.approve(approved, 'Because');
      const frame = await client.first('plan_approval_response');
      for (const payload of [frame.data, frame.data.data]) {
        expect(payload).toMatchObject({ plan_id, status, feedback: 'Because', agent_name: some, content: some });
      }
      expect(frame.priority).toBe(2);
      const { messages } = await server.until(plan_id, 'completed', 'rejected');
      expect(messages[1]).toMatchObject({ type: 'plan_approval_response', metadata: { status, feedback: 'Because' } });
      await client.close();
    }
  });

  it('"`{type:"plan_approval_response", data:{approved, feedback, m_plan_id}}` → `approval_processed`", before anything of the run that goes on', async () => {
    const plan_id = await waiting('approving');
    const clients = [await ForkClient.connect(server.url, plan_id), await ForkClient.connect(server.url, plan_id)];
    const [client, other] = clients as [ForkClient, ForkClient];
    await client.first('plan_approval_request');
    expect(await client.approve(true, '')).toMatchObject({ plan_id, status: 'processing', approved: true });
    await client.first('final_result_message');
    const types = client.types.filter((type) => !['connection_established', 'ping', 'workflow_started'].includes(type));
    expect(types.slice(0, 3)).toEqual(['plan_approval_request', 'approval_processed', 'plan_approval_response']);
    // It was answered: whoever comes later is told so, and the run goes on as it does.
    const approval = { type: 'plan_approval_response', data: { approved: false, feedback: '', m_plan_id: plan_id } };
    const late = await other.ask(approval, 'error_notification');
    expect(late.data.data).toMatchObject({ error_type: 'already_answered', recoverable: true, error_message: some });
    expect(other.types).not.toContain('approval_processed');
    await Promise.all(clients.map((one) => one.close()));
  });

  it('"`user_clarification_request`": "`request_id`, `question`, `context`, and one extra string key holding `UserClarificationRequest(question=\'…\', request_id=\'…\')`, which is all the v3 edition can read ✓": "yes"', async () => {
    const { plan_id, asked } = await questioned();
    const client = await ForkClient.connect(server.url, plan_id);
    const frame = await client.first('user_clarification_request');
    for (const payload of [frame.data, frame.data.data]) {
      expect(payload).toMatchObject({ plan_id, question, context, request_id: expect.stringMatching(/^[0-9a-f-]+$/) });
      const texts = Object.values(payload).filter((value) => String(value).startsWith('UserClarificationRequest('));
      expect(texts).toEqual([
        String.raw`UserClarificationRequest(question='Which of the two?\nThe "first", or C:\\dir\'s?', request_id='${payload.request_id}')`,
      ]);
    }
    expect(asked).toMatchObject({ type: 'user_clarification_request', content: question });
    await client.close();
  });

  it('"`{type:"user_clarification_response", data:{request_id, answer}}` → `clarification_processed`", before anything of the run that goes on', async () => {
    const { plan_id } = await questioned();
    const client = await ForkClient.connect(server.url, plan_id);
    const { request_id } = await client.payload('user_clarification_request');
    const before = client.frames.length;
    expect(await client.clarify(request_id, 'The first')).toMatchObject({ plan_id, status: 'processing', request_id });
    await client.first('final_result_message');
    const types = client.types.slice(before).filter((type) => type !== 'ping');
    expect(types.slice(0, 2)).toEqual(['clarification_processed', 'user_clarification_response']);
    const { messages } = await server.until(plan_id, 'completed');
    const said = messages.find(({ type }: Json) => type === 'user_clarification_response');
    expect(said).toMatchObject({ content: 'The first', agent_type: 'Human_Agent' });
    expect(messages.at(-1).content).toBe('You said: The first');
    await client.close();
  });

  it('"`POST /user_clarification` `{plan_id, request_id?, answer?, m_plan_id?}`": "200 `{status, session_id, message}`; no `plan_id` → 400"', async () => {
    const { plan_id } = await questioned();
    const { session_id } = (await server.plan(plan_id)).plan;
    const answer = { status: 'processing', session_id, message: some };
    const wrong = await call('v3/user_clarification', { plan_id, request_id: 'another', answer: 'x' });
    expect(wrong).toEqual([200, { ...answer, status: 'error' }]);
    expect(await call('v3/user_clarification', { plan_id, answer: 'Both', m_plan_id: plan_id })).toEqual([200, answer]);
    expect(contents(await server.until(plan_id, 'completed'))).toContain('You said: Both');
    expect(await call('v3/user_clarification', { plan_id, answer: 'x' })).toEqual([
      200,
      { ...answer, status: 'error' },
    ]);
    expect((await call('v3/user_clarification', { request_id: 'r', answer: 'x' }))[0]).toBe(400);
    expect(await call('v3/user_clarification', { plan_id: 'unknown', answer: 'x' })).toEqual([
      404,
      { detail: 'Plan not found' },
    ]);
  });

  it.each(['ok', 'yes', 'approve', 'approved', 'OK', 'Yes', 'APPROVED'])(
    '"Clarification answers: an approval word by itself (`ok`, `yes`, `approve`, `approved`, any case) approves": %s',
    async (word) => {
      const plan_id = await waiting('approving');
      const [, { status }] = await call('v3/user_clarification', { plan_id, answer: word });
      expect(status).toBe('processing');
      const ended = await server.until(plan_id, 'completed', 'rejected');
      expect(ended.plan.status).toBe('completed');
      expect(contents(ended)).toContain('Task: Count');
    },
  );

  it.each(['I know', 'Not before noon', 'ok, but be brief', 'Yes and no'])(
    '"any other text is feedback and the run resumes with it. (The previous backend matched substrings, so "I know" was a rejection.)": %s',
    async (text) => {
      const plan_id = await waiting('approving');
      const [, { status }] = await call('v3/user_clarification', { plan_id, answer: text });
      expect(status).toBe('processing');
      const ended = await server.until(plan_id, 'completed', 'rejected');
      expect(ended.plan.status).toBe('completed');
      expect(contents(ended)).toContain(`Task: Count\n\nFeedback on the plan: ${text}`);
    },
  );

  it('an approval that comes twice never answers the question after it', async () => {
    const { plan_id } = await questioned();
    const [, again] = await call('v3/plan_approval', { m_plan_id: plan_id, approved: true, feedback: 'again' });
    expect(again.status).toBe('error');
    const client = await ForkClient.connect(server.url, plan_id);
    const approval = { type: 'plan_approval_response', data: { approved: true, feedback: '', m_plan_id: plan_id } };
    const refused = await client.ask(approval, 'error_notification');
    expect(refused.data.data.error_type).toBe('not_asked');
    expect((await server.plan(plan_id)).plan.status).toBe('pending_clarification');
    await client.close();
  });

  it('of two answers at once one is taken, and the other is told that it was answered', async () => {
    const plan_id = await waiting('approving');
    const both = [true, false].map((approved) => call('v3/plan_approval', { m_plan_id: plan_id, approved }));
    const statuses = (await Promise.all(both)).map(([, { status }]) => status);
    expect(statuses).toHaveLength(2);
    expect(statuses).toContain('error');
    expect(statuses.filter((status) => status !== 'error')).toHaveLength(1);
    await server.until(plan_id, 'completed', 'rejected');
  });

  it('what a client sends over its socket and is no answer is refused, and the socket stays open', async () => {
    const plan_id = await waiting('approving');
    const client = await ForkClient.connect(server.url, plan_id);
    for (const frame of [
      { type: 'plan_approval_response' },
      { type: 'plan_approval_response', data: null },
      { type: 'plan_approval_response', data: { approved: 'yes' } },
      { type: 'user_clarification_response', data: { request_id: 'r' } },
      { type: 'user_clarification_response', data: { request_id: 1, answer: 'x' } },
    ]) {
      const refused = await client.ask(frame, 'error_notification');
      expect(refused.data.data.error_type).toBe('invalid_request');
    }
    const other = { type: 'user_clarification_response', data: { request_id: 'another', answer: 'x' } };
    expect((await client.ask(other, 'error_notification')).data.data.error_type).toBe('not_asked');
    expect((await server.plan(plan_id)).plan.status).toBe('pending_approval');
    await client.close();
    const nowhere = await ForkClient.connect(server.url, `no plan ${store.name}`);
    const approval = { type: 'plan_approval_response', data: { approved: true, feedback: '', m_plan_id: 'x' } };
    const unknown = await nowhere.ask(approval, 'error_notification');
    expect(unknown.data.data.error_type).toBe('plan_not_found');
    await nowhere.close();
  });

  it('The web app whose page is reloaded while the run waits finds what is asked, answers, and sees the end', async () => {
    const app = new WebApp(server.url);
    await app.start('graph');
    await app.asked('plan_approval_request');
    await app.reload();
    expect(app.loaded.m_plan).toMatchObject({ id: app.planId, plan_id: app.planId, steps });
    expect(app.approval).toMatchObject({ id: app.planId, steps });
    await app.asked('plan_approval_request');
    await app.approve(true);
    await app.asked('user_clarification_request');
    expect(app.clarification?.question).toBe(question);
    await app.reload();
    await app.asked('user_clarification_request');
    expect(await app.clarify('The "second" one')).toMatchObject({ status: 'processing' });
    await app.finished();
    expect(app.dropped).toEqual([]);
    expect(app.finalContent).toBe('You said: The "second" one');
    const { messages } = await server.until(app.planId, 'completed');
    await app.reload();
    expect(app.bubbles.map(({ content }) => content)).toEqual(contents({ messages }));
    expect(app.bubbles.filter(({ agentType }) => agentType === 'Human_Agent')).toHaveLength(2);
  });

  it('POST /api/v1/plans/{plan_id}/answer answers, by id where one is named; 409 with a code where that cannot be', async () => {
    const plan_id = await waiting('graph');
    const path = `v1/plans/${plan_id}/answer`;
    expect((await call(path, {}))[0]).toBe(422);
    expect((await call(path, { approved: true, unknown: 1 }))[0]).toBe(422);
    const [, { error: other }] = await call(path, { request_id: 'another', approved: true });
    expect(other).toMatchObject({ code: 'not_asked', message: some, remedy: some });
    const [status, taken] = await call(path, { approved: true, text: 'Well' });
    expect([status, taken]).toEqual([200, { plan_id, request_id: some, kind: 'approval', approved: true }]);
    const { messages } = await server.until(plan_id, 'pending_clarification');
    expect(contents({ messages })).toContain('Approved: Well');
    const request_id = messages.at(-1).metadata.request_id;
    for (const approved of [true, false]) {
      const twice = await call(path, { approved, text: 'Well' });
      expect([twice[0], twice[1].error.code], 'an approval given twice answers no question').toEqual([
        409,
        'not_asked',
      ]);
    }
    const answered = await call(path, { request_id, text: 'The first' });
    expect(answered).toEqual([200, { plan_id, request_id, kind: 'clarification', approved: expect.any(Boolean) }]);
    expect((await call(path, { request_id, text: 'The second' }))[1].error.code).toBe('already_answered');
    await server.until(plan_id, 'completed');
    const late = await call(path, { text: 'x' });
    expect([late[0], ['already_answered', 'not_asked'].includes(late[1].error.code)]).toEqual([409, true]);
    expect((await call('v1/plans/unknown/answer', { text: 'x' }))[1].error.code).toBe('plan_not_found');
    await server.indelible.save({ planId: 'no run', agentName: 'a', content: '' });
    expect(await call('v1/plans/no%20run/answer', { text: 'x' })).toMatchObject([
      404,
      { error: { code: 'run_not_found' } },
    ]);
  });

  it('POST /api/v1/plans/{plan_id}/cancel ends a run that works, and one that waits; 409 with a code where it is over', async () => {
    const { plan_id: working } = await server.start('held');
    const waits = await waiting('approving');
    for (const planId of [working, waits]) {
      const client = await ForkClient.connect(server.url, planId);
      const canceled = await call(`v1/plans/${planId}/cancel`, undefined);
      expect(canceled).toEqual([200, { plan_id: planId, status: 'canceled' }]);
      const ended = await server.until(planId, 'canceled');
      expect(ended.plan.overall_status).toBe('canceled');
      expect((await client.payload('final_result_message')).status).toBe('canceled');
      const [status, { error }] = await call(`v1/plans/${planId}/cancel`, {});
      expect([status, error.code]).toEqual([409, 'run_ended']);
      await client.close();
    }
    const [status, { error }] = await call('v1/plans/unknown/cancel', {});
    expect([status, error.code]).toEqual([404, 'plan_not_found']);
  });
});
