import { isDeepStrictEqual } from 'node:util';
import type { Frame } from './watchingClient.ts';

const envelope = ['type', 'data', 'timestamp', 'message_id', 'correlation_id', 'priority'];
const flatMembers = ['plan_id', 'user_id', 'status', 'server_time', 'connection_count', 'capabilities'];
const capabilities = ['progress_tracking', 'message_history', 'error_recovery', 'heartbeat', 'message_queuing'];
const payloadMembers = ['plan_id', 'agent_name', 'content', 'timestamp'];
const timestampForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** The priority of each type of frame of the previous implementation that a server may send. */
const priorities: Readonly<Record<string, number>> = {
  agent_message: 0,
  agent_stream_start: 1,
  agent_message_streaming: 2,
  agent_stream_end: 2,
  plan_approval_request: 2,
  plan_approval_response: 2,
  user_clarification_request: 0,
  user_clarification_response: 0,
  final_result_message: 0,
  progress_update: 1,
  step_progress: 1,
  workflow_started: 1,
  workflow_completed: 0,
  system_message: 0,
  error_notification: 3,
  connection_error: 3,
  connection_status: 0,
  ping: 0,
};

/** Everything in which the frames a client was sent differ from what clients of the previous implementation rely on. */
export function strangenesses(frames: readonly Frame[], planId: string): string[] {
  return frames.flatMap((frame, index) =>
    (index === 0 ? inFirst(frame, planId) : inOther(frame, planId)).map(
      (what) => `frame ${index}, ${frame.type}: ${what}`,
    ),
  );
}

function inFirst(frame: Frame, planId: string): string[] {
  const { data } = frame;
  return [
    ...unless(frame.type === 'connection_established', 'is not connection_established'),
    ...inEnvelope(frame, 0),
    ...unless(isDeepStrictEqual(Object.keys(data).sort(), [...flatMembers].sort()), `has ${Object.keys(data)}`),
    ...unless(data.plan_id === planId, 'is of another plan'),
    ...unless(Object.keys(data['capabilities'] ?? {}).length === capabilities.length, 'has other capabilities'),
    ...capabilities.flatMap((name) =>
      unless((data['capabilities'] as Record<string, unknown>)[name] === true, `cannot ${name}`),
    ),
  ];
}

function inOther(frame: Frame, planId: string): string[] {
  if (frame.type === 'pong') {
    const { text: _, ...members } = frame;
    const isBare = isDeepStrictEqual(Object.keys(members).sort(), ['server_time', 'timestamp', 'type']);
    return unless(isBare, `has ${Object.keys(members)}`);
  }
  const { data } = frame;
  const { data: inner, ...outer } = data;
  if (inner === undefined) return ['has no payload at data.data'];
  return [
    ...unless(Object.hasOwn(priorities, frame.type), 'is of no known type'),
    ...inEnvelope(frame, priorities[frame.type] ?? 0),
    ...unless(data.type === frame.type, 'has data of another type'),
    ...unless(isDeepStrictEqual({ ...inner, type: frame.type }, outer), 'says two things at data and data.data'),
    ...unless(outer.plan_id === planId, 'is of another plan'),
    ...payloadMembers.flatMap((name) => unless(typeof inner[name] === 'string', `has no ${name}`)),
    ...unless(timestampForm.test(outer.timestamp), `has the timestamp ${outer.timestamp} in its payload`),
  ];
}

function inEnvelope({ text, timestamp, message_id, correlation_id, priority }: Frame, expected: number): string[] {
  const members = Object.keys(JSON.parse(text));
  return [
    ...unless(isDeepStrictEqual(members.sort(), [...envelope].sort()), `has ${members}`),
    ...unless(timestampForm.test(timestamp), `has the timestamp ${timestamp}`),
    ...unless(typeof message_id === 'string' && message_id !== '', 'has no message_id'),
    ...unless(correlation_id === null, 'has a correlation_id'),
    ...unless(priority === expected, `has priority ${priority}`),
  ];
}

function unless(condition: boolean, what: string): string[] {
  return condition ? [] : [what];
}
