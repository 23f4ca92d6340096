import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { storesUnderTest } from '../storesUnderTest.ts';
import { type AgentScript, anyExecution } from './execution.ts';
import { performPlan, type Written } from './performing.ts';
import { property } from './property.ts';
import { finalResult, Scene } from './scene.ts';
import { strangenesses } from './v3Frames.ts';
import { type Frame, isMessage, rowOf, WatchingClient } from './watchingClient.ts';

/** What clients say while they watch, and the type of the answer. */
const clientFrames: Readonly<Record<string, string | undefined>> = {
  '{"type":"ping"}': 'pong',
  '{"type":"connection_check"}': 'connection_status',
  '{"type":"pong"}': undefined,
  '{"type":"constructor"}': 'error_notification',
  '{"type":"agent_message","data":{"content":"mine"}}': 'error_notification',
  '[]': 'error_notification',
};
const anySaid = fc.array(fc.constantFrom(...Object.keys(clientFrames)), { maxLength: 4 });

describe.each(storesUnderTest)('on $name', (store) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await Scene.open(store, { limits: { maxWaitingBytes: 256 * 1024 * 1024 } });
  });
  afterAll(() => scene.close());

  property(
    'Feature: fix-message-persistence-without-websocket, Property 8: WebSocket Backward Compatibility: for any ' +
      'WebSocket-enabled execution, broadcasting works as in the previous implementation. (4.1–4.3)',
    [
      anyExecution({ maxPlans: 1, ways: ['save', 'persistMessage', 'saveMessagesBatch', 'streamed'] }),
      fc.nat({ max: 10 }),
      anySaid,
      fc.oneof(fc.nat({ max: 3 }), fc.integer({ min: 9, max: 12 }), fc.integer({ min: 48, max: 53 })),
    ],
    async ({ plans: [plan] }, connectsAt, said, whileAway) => {
      const { indelible, server } = scene;
      // As a browser does it: start the task, read the plan, then open the socket; the run does not wait for that.
      const run = startRun(scene, plan?.agents ?? [], connectsAt);
      const planId = await run.posted;
      await scene.getPlan(planId);
      await run.reached;
      const client = await WatchingClient.connect(server.url, planId, `${planId} user`);
      run.goOn();
      for (const text of said) client.send(text);
      await client.until(() => client.frames.some(isLast));
      const answers = said.flatMap((text) => clientFrames[text] ?? []);
      await client.until(() => answersIn(client.frames).length >= answers.length);

      expect(strangenesses(client.frames, planId)).toEqual([]);
      expect(answersIn(client.frames)).toEqual(answers);
      const { messages, plan: answer } = await scene.getPlan(planId);
      expect(client.messages.map(rowOf).map(onlyRow)).toEqual(messages.slice(-client.messages.length));
      if (messages.length <= 50) expect(client.messages).toHaveLength(messages.length);
      expect(messages.at(-1)).toMatchObject({ type: 'final_result_message', content: finalResult.content });
      expect(client.messages.at(-1)?.data['status']).toBe('completed');
      expect(answer.plan_id).toBe(planId);
      expectStreams(
        client.frames,
        (await run.written).filter(({ way }) => way === 'streamed'),
        connectsAt === 0,
      );
      await client.close();
      await vi.waitUntil(() => server.sockets.connections(planId) === 0, { timeout: 10_000, interval: 1 });

      // Who comes back is shown what nobody saw, at most the newest 50; if there was nothing, the newest 10.
      const agentName = 'night shift';
      for (let count = 0; count < whileAway; count++) await indelible.save({ planId, agentName, content: `${count}` });
      const total = messages.length + whileAway;
      const back = await WatchingClient.connect(server.url, planId, `${planId} user`);
      await back.until(() => back.head >= total);
      expect(back.frames[0]?.data['status']).toBe('reconnected');
      expect(back.messages).toHaveLength(whileAway > 0 ? Math.min(50, whileAway) : Math.min(10, total));
      const other = await WatchingClient.connect(server.url, planId, `${planId} other`);
      await other.until(() => other.head >= total);
      expect(other.frames[0]?.data).toMatchObject({ status: 'connected', connection_count: 2 });
      expect(other.messages).toHaveLength(Math.min(10, total));
      expect(strangenesses([...back.frames], planId)).toEqual([]);
      await Promise.all([back.close(), other.close()]);
    },
  );
});

/** A run that waits before its step `holdsAt` until it is told to go on; one that has fewer steps does not wait. */
function startRun({ tasks, indelible, server, postTask }: Scene, agents: readonly AgentScript[], holdsAt: number) {
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const written = Promise.withResolvers<Written[]>();
  const description = `task ${++runs}`;
  tasks.set(description, async ({ planId }) => {
    const beforeStep = async (_planId: string, step: number) => {
      if (step < holdsAt) return;
      reached.resolve();
      await gate.promise;
    };
    written.resolve(await performPlan(planId, agents, { log: indelible, manager: () => server.sockets, beforeStep }));
    reached.resolve();
  });
  return { posted: postTask(description), reached: reached.promise, written: written.promise, goOn: gate.resolve };
}

let runs = 0;

function isLast({ type, data }: Frame): boolean {
  return type === 'final_result_message' && data.agent_name === finalResult.agentName;
}

/** What clients said is answered in its order. */
function answersIn(frames: readonly Frame[]): string[] {
  return frames.map(({ type }) => type).filter((type) => Object.values(clientFrames).includes(type));
}

/** What a payload has beyond the row, by type (wire-v3). */
const beyondRow: Readonly<Record<string, readonly string[]>> = {
  plan_approval_request: ['request_id', 'requires_approval', 'plan'],
  plan_approval_response: ['status', 'feedback'],
  user_clarification_request: ['request_id', 'question', 'context', 'clarification'],
  user_clarification_response: ['answer'],
  final_result_message: ['status'],
};

/** The row alone; whatever else is there is left in, for the comparison to find. */
function onlyRow(payload: object): object {
  const beyond = beyondRow[(payload as { type: string }).type] ?? [];
  expect(Object.keys(payload)).toEqual(expect.arrayContaining([...beyond]));
  return Object.fromEntries(Object.entries(payload).filter(([name]) => !beyond.includes(name)));
}

/** Start, the text piece by piece, the end with the whole text, then the message; all of them, for who was there. */
function expectStreams(frames: readonly Frame[], streamed: readonly Written[], sawAll: boolean): void {
  const ofStreams = frames.flatMap((frame, place) =>
    frame.type.startsWith('agent_stream_') || frame.type === 'agent_message_streaming' ? [{ ...frame, place }] : [],
  );
  const streams = [...Map.groupBy(ofStreams, ({ data }) => data['stream_id']).values()];
  const whole = streams.filter(([first]) => first?.type === 'agent_stream_start');
  if (sawAll) expect(streams.length).toBe(streamed.length);
  if (sawAll) expect(whole.length).toBe(streamed.length);
  for (const stream of whole) {
    const [first, last] = [stream[0] as (typeof ofStreams)[0], stream.at(-1) as (typeof ofStreams)[0]];
    const deltas = stream.slice(1, -1);
    expect([first.data['status'], last.type, last.data['is_complete']]).toEqual([
      'streaming_started',
      'agent_stream_end',
      true,
    ]);
    for (const { type, data } of deltas) {
      expect([type, data['is_complete'], data['is_final']]).toEqual(['agent_message_streaming', false, false]);
    }
    const text = deltas.map(({ data }) => data.content).join('');
    expect(last.data.content.startsWith(text) && (deltas.length === 50 || text === last.data.content)).toBe(true);
    const follows = frames.findIndex(
      (frame, place) =>
        place > last.place &&
        isMessage(frame) &&
        frame.data.agent_name === last.data.agent_name &&
        frame.data.content === last.data.content,
    );
    expect(follows, 'the message follows its stream').toBeGreaterThan(last.place);
  }
}
