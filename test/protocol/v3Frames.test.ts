import { fc, test } from '@fast-check/vitest';
import {
  type NewMessage,
  prepareMessage,
  type StoredMessage,
  type V3LiveEvent,
  v3Frame,
  v3LiveFrame,
  v3MessageFrame,
  v3MessageRow,
} from 'indelible/protocol';
import { describe, expect, it } from 'vitest';
import { messageTypes } from '../../src/protocol/messageType.ts';
import { anyJsonObject } from './anyJson.ts';

const timestamp = '2026-11-23T10:00:00.000Z';

function stored(fields: Partial<NewMessage> = {}, sequence = 7, version = 1): StoredMessage {
  const message = { planId: 'p', messageId: 'm', agentName: 'Planner', content: 'text', timestamp, ...fields };
  return { ...prepareMessage(message, { now: () => 0 }), sequence, version, revision: 0 };
}

const anyMessage = fc
  .record({
    content: fc.string({ unit: 'binary' }),
    agentName: fc.string({ unit: 'binary', minLength: 1, maxLength: 50 }),
    type: fc.constantFrom(...messageTypes),
    metadata: anyJsonObject,
  })
  .map((fields) => stored(fields));

describe('the row of a message', () => {
  it('has what was stored and what the web app reads', () => {
    expect(JSON.parse(v3MessageRow(stored({ metadata: { tokens: 3 } }, 7, 2)))).toEqual({
      sequence: 7,
      version: 2,
      agent: 'Planner',
      steps: [],
      next_steps: [],
      raw_data: '',
      timestamp,
      type: 'agent_message',
      agent_name: 'Planner',
      message_id: 'm',
      plan_id: 'p',
      agent_type: 'agent',
      content: 'text',
      metadata: { tokens: 3 },
    });
  });

  it('is byte for byte the stored bytes with fixed text before them', () => {
    const message = stored({ agentName: 'A "quoted" \\ name', metadata: { b: 1.0, a: '\u2028\ud800' } });
    const fixed = `{"sequence":7,"version":1,"agent":"A \\"quoted\\" \\\\ name","steps":[],"next_steps":[],"raw_data":"",`;
    expect(v3MessageRow(message)).toBe(fixed + message.body.slice(1));
  });

  test.prop([anyMessage])('holds the stored bytes whatever the message says', (message) => {
    const row = v3MessageRow(message);
    expect(row.endsWith(message.body.slice(1))).toBe(true);
    const parsed = JSON.parse(row);
    expect(parsed).toMatchObject(JSON.parse(message.body));
    expect(parsed.agent).toBe(parsed.agent_name);
  });
});

describe('the frame of a message', () => {
  it('has the envelope, and the payload at data and at data.data', () => {
    const message = stored({ metadata: { tokens: 3 } });
    const row = JSON.parse(v3MessageRow(message));
    expect(JSON.parse(v3MessageFrame(message))).toEqual({
      type: 'agent_message',
      data: { ...row, data: row },
      timestamp,
      message_id: 'm',
      correlation_id: null,
      priority: 0,
    });
  });

  it('is byte for byte the row, twice, with fixed text around it', () => {
    const message = stored({ agentName: '"\\', metadata: { b: 1, a: '\u2028' } });
    const members = v3MessageRow(message).slice(1, -1);
    expect(v3MessageFrame(message)).toBe(
      `{"type":"agent_message","data":{${members},"data":{${members}}},"timestamp":"${timestamp}",` +
        `"message_id":"m","correlation_id":null,"priority":0}`,
    );
  });

  it('has no member twice', () => {
    for (const type of messageTypes) {
      const frame = v3MessageFrame(stored({ type, metadata: { a: 1, status: 'failed' } }));
      expect(JSON.stringify(JSON.parse(frame))).toBe(frame);
    }
  });

  test.prop([anyMessage])('carries the same payload on both levels, whatever the message says', (message) => {
    const { type, data, timestamp: time, message_id } = JSON.parse(v3MessageFrame(message));
    const { data: inner, ...outer } = data;
    expect(outer).toEqual(inner);
    expect(inner).toMatchObject(JSON.parse(v3MessageRow(message)));
    expect([type, time, message_id]).toEqual([inner.type, inner.timestamp, inner.message_id]);
    expect(v3MessageFrame(message).split(message.body.slice(1, -1))).toHaveLength(3);
  });

  it.each([
    [{}, 'completed'],
    [{ status: 'failed' }, 'failed'],
    [{ status: '"\\\u2028' }, '"\\\u2028'],
  ])('that ends a plan has the status of its metadata: %j', (metadata, status) => {
    const { data } = JSON.parse(v3MessageFrame(stored({ type: 'final_result_message', metadata })));
    expect([data.status, data.data.status]).toEqual([status, status]);
  });

  const payloadOf = (fields: Partial<NewMessage>) => {
    const { data, priority } = JSON.parse(v3MessageFrame(stored(fields)));
    const { data: inner, ...outer } = data;
    expect(outer).toEqual(inner);
    const { metadata: _, ...beside } = outer;
    return { ...beside, priority };
  };

  it('that asks for approval has the plan, under the id of the plan that its clients know', () => {
    const type = 'plan_approval_request';
    const plan = {
      id: 'other',
      user_request: 'Sum up',
      team: ['A', 'B'],
      facts: 'F',
      steps: [{ agent: 'A', action: 'Add' }],
    };
    const metadata = { request_id: 'r', requires_approval: true, plan: { ...plan, more: 1 } };
    // What the web app cannot read as an id is named by its message.
    const asked = { plan: { ...plan, id: 'p' }, requires_approval: true, request_id: 'm', priority: 2 };
    expect(payloadOf({ type, metadata })).toMatchObject(asked);
  });

  it.each([
    [{}],
    [{ plan: null }],
    [{ plan: [1] }],
    [{ plan: { team: 'A', steps: [null, 3, { agent: 1 }] }, request_id: 7 }],
  ])('that asks for approval and does not say of what is shown with nothing in it, never left out: %j', (metadata) => {
    const { plan, request_id } = payloadOf({ type: 'plan_approval_request', metadata });
    expect([plan.id, plan.user_request, plan.team, plan.facts, request_id]).toEqual(['p', '', [], '', 'm']);
    for (const step of plan.steps) expect(step).toEqual({ agent: '', action: '' });
  });

  it('that answers a request for approval says how', () => {
    const metadata = { status: 'rejected', feedback: 'no' };
    expect(payloadOf({ type: 'plan_approval_response', metadata })).toMatchObject({ ...metadata, priority: 2 });
  });

  it('that asks a question has it, and once more as text that the v3 edition of the web app can read', () => {
    const question = `What's "it"?\nSay so.`;
    const metadata = { request_id: 'f00-1', question, context: { a: 1 } };
    expect(payloadOf({ type: 'user_clarification_request', content: question, metadata })).toMatchObject({
      ...metadata,
      clarification: String.raw`UserClarificationRequest(question='What\'s "it"?\nSay so.', request_id='f00-1')`,
      priority: 0,
    });
    const bare = { request_id: 'm', question: 'text', context: '' };
    expect(payloadOf({ type: 'user_clarification_request' })).toMatchObject(bare);
  });

  it('that answers a question has the answer', () => {
    const metadata = { request_id: 'r' };
    const answered = { answer: 'text', agent_type: 'Human_Agent', priority: 0 };
    expect(payloadOf({ type: 'user_clarification_response', agentType: 'Human_Agent', metadata })).toMatchObject(
      answered,
    );
  });

  it('is built once for all', () => {
    const message = stored();
    const frame = v3MessageFrame(message);
    (message as { body: string }).body = 'not looked at again';
    expect(v3MessageFrame(message)).toBe(frame);
  });

  it('of an update is another frame', () => {
    const message = stored();
    v3MessageFrame(message);
    const updated = { ...stored({ content: 'changed' }), version: 2, revision: 1 };
    expect(JSON.parse(v3MessageFrame(updated)).data).toMatchObject({ content: 'changed', version: 2, sequence: 7 });
  });
});

describe('the frame of a live event', () => {
  const common = { planId: 'p', timestamp };
  const wire = { plan_id: 'p', timestamp };

  it.each<[V3LiveEvent, object, number]>([
    [
      { ...common, type: 'agent_stream_start', streamId: 's', agentName: 'A' },
      { agent_name: 'A', agent: 'A', content: '', stream_id: 's', status: 'streaming_started' },
      1,
    ],
    [
      { ...common, type: 'agent_message_streaming', streamId: 's', agentName: 'A', delta: 'to' },
      { agent_name: 'A', agent: 'A', content: 'to', stream_id: 's', is_complete: false, is_final: false },
      2,
    ],
    [
      { ...common, type: 'agent_stream_end', streamId: 's', agentName: 'A', text: 'token' },
      { agent_name: 'A', agent: 'A', content: 'token', stream_id: 's', is_complete: true },
      2,
    ],
    [
      {
        ...common,
        type: 'progress_update',
        currentStep: 1,
        totalSteps: 3,
        currentAgent: 'A',
        agentStatus: 'working',
        stepDescription: 'looks',
      },
      {
        agent_name: 'A',
        content: 'looks',
        current_step: 1,
        total_steps: 3,
        current_agent: 'A',
        agent_status: 'working',
        step_description: 'looks',
      },
      1,
    ],
    [{ ...common, type: 'workflow_started', text: 'begins' }, { agent_name: 'System', content: 'begins' }, 1],
    [{ ...common, type: 'workflow_completed', text: 'is done' }, { agent_name: 'System', content: 'is done' }, 0],
    [{ ...common, type: 'system_message', text: 'hello' }, { agent_name: 'System', content: 'hello' }, 0],
    [
      { ...common, type: 'error_notification', errorType: 'run_failed', errorMessage: 'why', recoverable: false },
      { agent_name: 'System', content: 'why', error_type: 'run_failed', error_message: 'why', recoverable: false },
      3,
    ],
  ])('carries its payload on both levels: $type', (event, payload, priority) => {
    const frame = JSON.parse(v3LiveFrame(event));
    const inner = { ...wire, ...payload, type: event.type };
    expect(frame).toEqual({
      type: event.type,
      data: { ...inner, data: inner },
      timestamp,
      message_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      correlation_id: null,
      priority,
    });
    expect(v3LiveFrame(event)).toBe(v3LiveFrame(event));
  });

  test.prop([fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', minLength: 1 })])(
    'keeps any text of a stream',
    (delta, agentName) => {
      const event = { ...common, type: 'agent_message_streaming', streamId: 's', agentName, delta } as const;
      expect(JSON.parse(v3LiveFrame(event)).data.data).toMatchObject({ content: delta, agent_name: agentName });
    },
  );
});

describe('a frame of anything else', () => {
  it('carries its payload on both levels', () => {
    const frame = JSON.parse(v3Frame('ping', { a: 1 }, { timestamp, messageId: 'x', priority: 2 }));
    const inner = { a: 1, type: 'ping' };
    const envelope = { timestamp, message_id: 'x', correlation_id: null, priority: 2 };
    expect(frame).toEqual({ type: 'ping', data: { ...inner, data: inner }, ...envelope });
  });

  it('may have no payload', () => {
    expect(JSON.parse(v3Frame('ping', {}, { timestamp })).data).toEqual({ type: 'ping', data: { type: 'ping' } });
  });
});
