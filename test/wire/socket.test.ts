import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareMessage } from '../../src/protocol/message.ts';
import { defaultLimits } from '../../src/server/serverLimits.ts';
import type { Json } from '../server/http.ts';
import { storesUnderTest } from '../storesUnderTest.ts';
import { ForkClient } from './forkClient.ts';
import { SocketFrames } from './socketFrames.ts';
import { Gates, perform, performed, plainTeam, streamedAnswer, timestampForm } from './teams.ts';
import { WebApp } from './webApp.ts';
import { type WireServer, wireServer } from './wireServer.ts';

const time = expect.stringMatching(timestampForm);
const upTo = (to: number, from = 1) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const sequences = (client: ForkClient) => client.shown.map(({ sequence }) => sequence);

describe.each(storesUnderTest)('The socket of /api/v3, on $name:', (store) => {
  let server: WireServer;
  let plans = 0;
  const gates = new Gates();
  const newPlan = () => `plan ${++plans}`;
  const save = async (planId: string, count: number) => {
    for (const place of upTo(count)) await server.indelible.save({ planId, agentName: 'A', content: `${place}` });
  };
  beforeAll(async () => {
    const gated = plainTeam('gated', async (context) => {
      context.progress({ currentStep: 1, totalSteps: 3, agentName: 'Planner', description: 'Plans' });
      await context.say({ agentName: 'Planner', content: 'planned' });
      context.progress({ currentStep: 2, totalSteps: 3, agentName: 'Writer', description: 'Writes' });
      await gates.opened(context.planId);
      return await perform(context);
    });
    const held = plainTeam('held', (context) => gates.opened(context.planId).then(() => perform(context)));
    const teams = [plainTeam('plain', perform), gated, held] as const;
    server = await wireServer(store, { teams, limits: { heartbeatMs: 1_500 } });
  });
  afterAll(() => server?.close());

  it('"Order in the browser: POST process_request → GET plan → only then the socket. What happens in between must reach it."', async () => {
    const { plan_id } = await server.start('plain');
    await server.until(plan_id, 'completed');
    const client = await ForkClient.connect(server.url, plan_id);
    await client.first('final_result_message');
    expect(client.shown.map(({ agent_name, content }) => [agent_name, content])).toEqual(
      performed.map(([name, , content]) => [name, content]),
    );
    await client.close();
  });

  it('"First frame, once, **flat**: `{type:"connection_established", data:{plan_id, user_id, status:"connected"|"reconnected", server_time, connection_count, capabilities:{…}}, timestamp, message_id, correlation_id:null, priority:0}`."', async () => {
    const planId = newPlan();
    const userId = `${planId} user`;
    const client = await ForkClient.connect(server.url, planId, userId);
    await save(planId, 1);
    await client.first('agent_message');
    await client.settled();
    expect(client.ofType('connection_established')).toEqual([client.frames[0]]);
    const capabilities = {
      progress_tracking: true,
      message_history: true,
      error_recovery: true,
      heartbeat: true,
      message_queuing: true,
    };
    const data = {
      plan_id: planId,
      user_id: userId,
      status: 'connected',
      server_time: time,
      connection_count: 1,
      capabilities,
    };
    const envelope = { timestamp: time, message_id: expect.any(String), correlation_id: null, priority: 0 };
    expect(client.frames[0]).toEqual({ type: 'connection_established', data, ...envelope });
    await client.close();
    await expect
      .poll(async () => {
        const again = await ForkClient.connect(server.url, planId, userId);
        await again.close();
        return again.frames[0].data.status;
      })
      .toBe('reconnected');
  });

  it('"Then, for a client that names no cursor: what was produced while no socket was connected (the newest 50), otherwise the newest 10; then current progress if any; then live."', async () => {
    const planId = newPlan();
    await save(planId, 60);
    const first = await ForkClient.connect(server.url, planId);
    await first.until(({ shown }) => shown.at(-1)?.sequence === 60);
    expect(sequences(first)).toEqual(upTo(60, 11));
    const second = await ForkClient.connect(server.url, planId);
    await second.until(({ shown }) => shown.at(-1)?.sequence === 60);
    expect(sequences(second)).toEqual(upTo(60, 51));
    await Promise.all([first.close(), second.close()]);
    const { plan_id } = await server.start('gated');
    await expect.poll(async () => (await server.plan(plan_id)).messages.length).toBe(1);
    const late = await ForkClient.connect(server.url, plan_id);
    await late.first('progress_update');
    gates.open(plan_id);
    await late.first('final_result_message');
    const known = ['connection_established', 'agent_message', 'progress_update'];
    expect(late.types.slice(0, 3)).toEqual(known);
    expect(late.frames[2].data.data).toMatchObject({ current_step: 2, total_steps: 3 });
    await late.close();
  });

  it('"Envelope of every other frame: `type, data, timestamp, message_id, correlation_id, priority` (0 default, 1 progress and start, 2 chunks and approvals, 3 errors)."', async () => {
    const { frames } = await framesOfARun();
    const priorities: Record<string, number> = {
      agent_message: 0,
      final_result_message: 0,
      agent_stream_start: 1,
      progress_update: 1,
      agent_message_streaming: 2,
      agent_stream_end: 2,
      workflow_completed: 0,
      connection_status: 0,
      error_notification: 3,
    };
    const members = ['correlation_id', 'data', 'message_id', 'priority', 'timestamp', 'type'];
    for (const frame of frames) {
      expect(Object.keys(frame).sort()).toEqual(members);
      expect([frame.type, frame.priority]).toEqual([frame.type, priorities[frame.type]]);
      expect([frame.timestamp, frame.message_id, frame.correlation_id]).toEqual([time, expect.any(String), null]);
    }
    expect(new Set(frames.map(({ type }) => type))).toEqual(new Set(Object.keys(priorities)));
  });

  it('"Fork clients read the payload at `data.data`, the web app at `data`, so send both ✓: `data = {…payload, type, data: {…payload}}`. Payloads always carry `plan_id`, `agent_name`, `content`, `timestamp`; the timestamp is the row’s."', async () => {
    const { frames, planId } = await framesOfARun();
    const { messages } = await server.plan(planId);
    for (const { type, data } of frames) {
      const { data: inner, ...outer } = data;
      expect(outer).toEqual({ ...inner, type });
      const common = { plan_id: planId, agent_name: expect.any(String), content: expect.any(String), timestamp: time };
      expect(inner).toMatchObject(common);
      const row = messages.find(({ sequence }: Json) => sequence === inner.sequence);
      if (row !== undefined) expect(inner.timestamp).toBe(row.timestamp);
    }
  });

  it('"`agent_message`": "the message row"; "`final_result_message`": "`content`, `status`; last: the web app closes on it"', async () => {
    const { frames, planId } = await framesOfARun();
    const { messages } = await server.plan(planId);
    const shown = frames.map(({ data }) => data.data).filter((payload) => 'sequence' in payload);
    const { status, ...last } = shown.at(-1);
    expect([...shown.slice(0, -1), last]).toEqual(messages.slice(-shown.length));
    expect([status, last.type, last.content]).toEqual(['completed', 'final_result_message', 'All is done.']);
    const ofRun = frames.filter(({ type }) => !['connection_status', 'error_notification'].includes(type));
    expect(ofRun.at(-1).type).toBe('final_result_message');
  });

  it('"`agent_stream_start` `status:"streaming_started"`", "`agent_message_streaming` `content` = the delta, `is_complete:false`, `is_final:false`", "`agent_stream_end` `content` = the whole text, `is_complete:true`. One `agent_message` with the whole text follows it": "once, as that message"', async () => {
    const { frames, planId } = await framesOfARun();
    const start = frames.findIndex(({ type }) => type === 'agent_stream_start');
    const end = frames.findIndex(({ type }) => type === 'agent_stream_end');
    expect(frames[start].data.data).toMatchObject({ agent_name: 'Writer', status: 'streaming_started' });
    const deltas = frames.slice(start + 1, end).map(({ data }) => data.data);
    for (const delta of deltas) expect(delta).toMatchObject({ is_complete: false, is_final: false });
    expect(deltas.map(({ content }) => content).join('')).toBe(streamedAnswer);
    expect(frames[end].data.data).toMatchObject({ content: streamedAnswer, is_complete: true });
    expect([frames[end + 1].type, frames[end + 1].data.content]).toEqual(['agent_message', streamedAnswer]);
    const { messages } = await server.plan(planId);
    expect(messages.filter(({ content }: Json) => content === streamedAnswer)).toHaveLength(1);
    expect(messages.map(({ type }: Json) => type)).not.toContain('agent_stream_end');
  });

  it('"`progress_update`, `step_progress`": "`current_step` (from 1), `total_steps`, `current_agent`, `agent_status`, `step_description`"', async () => {
    const planId = newPlan();
    const client = await ForkClient.connect(server.url, planId);
    for (const type of ['progress_update', 'step_progress'] as const) {
      const step = {
        currentStep: 1,
        totalSteps: 3,
        currentAgent: 'A',
        agentStatus: 'working',
        stepDescription: 'Adds',
      };
      server.indelible.feed.publish({ type, planId, timestamp: new Date().toISOString(), ...step });
      expect(await client.payload(type)).toEqual({
        plan_id: planId,
        timestamp: time,
        agent_name: 'A',
        content: 'Adds',
        type,
        current_step: 1,
        total_steps: 3,
        current_agent: 'A',
        agent_status: 'working',
        step_description: 'Adds',
      });
    }
    await client.close();
    // Not stored: nobody knows of a plan of that name.
    expect((await fetch(`${server.api}/plan?plan_id=${encodeURIComponent(planId)}`)).status).toBe(404);
  });

  it('"`workflow_started`, `workflow_completed`, `system_message`, `error_notification` `{error_type, error_message, recoverable}`, `connection_error`"', async () => {
    const planId = newPlan();
    const timestamp = new Date().toISOString();
    const client = await ForkClient.connect(server.url, planId);
    const { feed } = server.indelible;
    for (const type of ['workflow_started', 'system_message', 'workflow_completed'] as const) {
      feed.publish({ type, planId, timestamp, text: `${type}!` });
      expect(await client.payload(type)).toMatchObject({ content: `${type}!`, agent_name: 'System' });
    }
    feed.publish({
      type: 'error_notification',
      planId,
      timestamp,
      errorType: 'e',
      errorMessage: 'm',
      recoverable: false,
    });
    const told = await client.payload('error_notification');
    expect(told).toMatchObject({ error_type: 'e', error_message: 'm', recoverable: false });
    await client.close();
  });

  it('"`ping`, `pong`": "Server `ping` every 30 s."', async () => {
    const client = await ForkClient.connect(server.url, newPlan());
    const ping = await client.first('ping');
    expect(ping).toMatchObject({ type: 'ping', data: { timestamp: time, data: { timestamp: time } } });
    expect(defaultLimits.heartbeatMs).toBe(30_000);
    await client.close();
  });

  it('"`{type:"ping"}` → bare `{type:"pong", timestamp, server_time}` · `{type:"connection_check"}` → `connection_status`"', async () => {
    const client = await ForkClient.connect(server.url, newPlan(), 'ann');
    const pong = await client.ask({ type: 'ping' }, 'pong');
    expect(pong).toEqual({ type: 'pong', timestamp: time, server_time: time });
    const status = await client.ask({ type: 'connection_check', unknown: 1 }, 'connection_status');
    expect(status.data.data).toMatchObject({ status: 'connected', user_id: 'ann', connection_count: 1 });
    await client.close();
  });

  it('"another type → `error_notification` `unknown_message_type`, socket stays open · not JSON → `invalid_json`."', async () => {
    const client = await ForkClient.connect(server.url, newPlan());
    const unknown = await client.ask({ type: 'agent_message', data: {} }, 'error_notification');
    expect(unknown.data.data.error_type).toBe('unknown_message_type');
    const invalid = await client.ask('{"type":', 'error_notification');
    expect(invalid.data.data.error_type).toBe('invalid_json');
    await client.settled();
    await client.close();
  });

  it('"Limits: 5 sockets a plan, 10 a user; over that `connection_error` and close 1008."', async () => {
    const planId = newPlan();
    const five = await Promise.all(upTo(5).map(() => ForkClient.connect(server.url, planId)));
    const sixth = new SocketFrames(server.url, planId);
    expect(await sixth.closed).toBe(1008);
    expect(sixth.types).toEqual(['connection_error']);
    const { data } = sixth.frames[0];
    for (const payload of [data, data.data]) {
      expect(payload).toMatchObject({ plan_id: planId, error_type: 'too_many_connections', timestamp: time });
    }
    await Promise.all(five.map((client) => client.close()));
    const user = `${planId} user`;
    const ten = await Promise.all(upTo(10).map(() => ForkClient.connect(server.url, newPlan(), user)));
    const eleventh = new SocketFrames(server.url, newPlan(), user);
    expect(await eleventh.closed).toBe(1008);
    await Promise.all(ten.map((client) => client.close()));
  });

  it('The web app sees the run, draws each message once and under its speaker’s name, and closes on the final result', async () => {
    const app = new WebApp(server.url);
    await app.start('held');
    gates.open(app.planId);
    await app.finished();
    const drawn = app.bubbles.map(({ agent, content }) => [agent, content]);
    expect(drawn).toEqual([
      ...performed.slice(0, -1).map(([name, , content]) => [name, content]),
      ['Group_Chat_Manager', '🎉🎉 All is done.'],
    ]);
    const { messages } = await server.until(app.planId, 'completed');
    expect(messages).toHaveLength(performed.length);
    await app.reload();
    const reloaded = app.bubbles.map(({ agent, content }) => [agent, content]);
    expect(reloaded).toEqual(messages.map(({ agent, content }: Json) => [agent, content]));
  });

  it('A message that only the server’s disk holds is shown if an agent says it, and waits for the database if it says something of the run', async () => {
    const planId = newPlan();
    const client = await ForkClient.connect(server.url, planId);
    const { feed, store: database } = server.indelible;
    for (const type of ['agent_message', 'plan_approval_request', 'final_result_message'] as const) {
      const fields = { planId, messageId: type, agentName: 'A', content: '', type };
      const message = prepareMessage(fields, { now: Date.now });
      feed.publish({ type: 'message_spooled', planId, timestamp: new Date().toISOString(), message });
      // What is stored before its socket was shown it as spooled is shown as stored.
      if (type === 'agent_message') await client.first(type);
      else await client.settled();
      await database.log.append([message]);
    }
    await client.first('final_result_message');
    const shown = client.frames.slice(1).filter(({ type }) => type !== 'pong');
    expect(shown.map(({ type, data }) => [type, data.data.sequence])).toEqual([
      ['agent_message', undefined],
      ['plan_approval_request', 2],
      ['final_result_message', 3],
    ]);
    await client.close();
  });

  /** All frames but the first of a client that was there before the run spoke, and asked this and that. */
  async function framesOfARun(): Promise<{ frames: Json[]; planId: string }> {
    const { plan_id } = await server.start('gated');
    const client = await ForkClient.connect(server.url, plan_id);
    gates.open(plan_id);
    await client.first('final_result_message');
    client.send({ type: 'connection_check' });
    client.send({ type: 'nonsense' });
    await client.settled();
    await client.close();
    await server.until(plan_id, 'completed');
    const bare = ['connection_established', 'pong', 'ping', 'workflow_started'];
    return { frames: client.frames.filter(({ type }) => !bare.includes(type)), planId: plan_id };
  }
});
