import type { LiveEvent } from './liveEvent.ts';
import type { PreparedMessage, StoredMessage } from './message.ts';
import { leadingTokens } from './messageBytes.ts';
import { newMessageId } from './messageId.ts';
import { rowText, rowView } from './rowView.ts';
import { v3ExtraMembers } from './v3MessageMembers.ts';

/**
 * The /api/v3 view of the log: the stored bytes with fixed text around them. The row that `GET /plan` lists and the
 * payload that a socket's frame carries are the same text, made here and nowhere else.
 *
 * One kind of client reads a frame's payload at `data`, another at `data.data`; every frame carries it at both.
 */

/** What a row says wherever its message is on its way: the message, and what the web app reads beside it. */
const spokenMembers = rowView`"agent":${'agentName'},"steps":[],"next_steps":[],"raw_data":"",${'members'}`;

/** With its place. */
export const v3RowView = rowView`{"sequence":${'sequence'},"version":${'version'},${spokenMembers}}`;

/** The row of a message, as JSON text. */
export function v3MessageRow(message: StoredMessage): string {
  return rowText(v3RowView, message);
}

const frames = new WeakMap<StoredMessage, string>();

/** The frame of a message, as JSON text; built once for all the sockets it goes to. */
export function v3MessageFrame(message: StoredMessage): string {
  let frame = frames.get(message);
  if (frame === undefined) {
    frame = buildMessageFrame(message);
    frames.set(message, frame);
  }
  return frame;
}

function buildMessageFrame(message: StoredMessage): string {
  const { messageId, timestamp, type } = leadingTokens(message.body);
  const payload = v3MessageRow(message).slice(1, -1) + v3ExtraMembers(message.body, type);
  return envelope(type, payload, timestamp, messageId);
}

/** All but the payload's members are encoded values, quotes included. */
function envelope(type: string, payload: string, timestamp: string, messageId: string): string {
  return (
    `{"type":${type},"data":{${payload},"data":{${payload}}}` +
    `,"timestamp":${timestamp},"message_id":${messageId},"correlation_id":null,"priority":${priorityOf(type)}}`
  );
}

/**
 * Whether a message may be shown while it is only on this server's disk. Others say something of the run (that it asks, was
 * answered, is over) which the database does not say yet; they are shown when it does.
 */
export function isShownSpooled({ body }: PreparedMessage): boolean {
  return leadingTokens(body).type === '"agent_message"';
}

/** Of a message, by its encoded type. */
function priorityOf(type: string): V3Priority {
  return type.startsWith('"plan_approval_') ? 2 : 0;
}

/** The row without a place: it has none yet. */
function buildSpooledFrame(message: PreparedMessage): string {
  const { messageId, timestamp } = leadingTokens(message.body);
  const members = rowText(spokenMembers, { ...message, sequence: 0, version: 0, revision: 0 });
  const payload = `"persistence_status":"spooled",${members}`;
  return envelope('"agent_message"', payload, timestamp, messageId);
}

export type V3Priority = 0 | 1 | 2 | 3;

/** A frame whose payload is not a stored message. `payload` is in wire spelling. */
export function v3Frame(
  type: string,
  payload: Readonly<Record<string, unknown>>,
  options: { readonly timestamp: string; readonly priority?: V3Priority; readonly messageId?: string },
): string {
  const members = JSON.stringify(payload).slice(1, -1);
  const typed = `${members === '' ? '' : `${members},`}"type":${JSON.stringify(type)}`;
  return (
    `{"type":${JSON.stringify(type)},"data":{${typed},"data":{${typed}}},"timestamp":"${options.timestamp}"` +
    `,"message_id":"${options.messageId ?? newMessageId()}","correlation_id":null,"priority":${options.priority ?? 0}}`
  );
}

/** What this protocol shows: it has no frame for how far somebody has read. */
export type V3LiveEvent = Exclude<LiveEvent, { readonly type: 'read_position' }>;
/** What is shown as it is; a spooled message is shown as a message. */
type ShownEvent = Exclude<V3LiveEvent, { readonly type: 'message_spooled' }>;

const liveFrames = new WeakMap<V3LiveEvent, string>();

/** The frame of a live event, as JSON text; built once for all the sockets it goes to. */
export function v3LiveFrame(event: V3LiveEvent): string {
  let frame = liveFrames.get(event);
  if (frame === undefined) {
    frame = event.type === 'message_spooled' ? buildSpooledFrame(event.message) : buildLiveFrame(event);
    liveFrames.set(event, frame);
  }
  return frame;
}

function buildLiveFrame(event: ShownEvent): string {
  const { payload, priority } = livePayload(event);
  return v3Frame(event.type, payload, { timestamp: event.timestamp, priority });
}

function livePayload(event: ShownEvent): { payload: Record<string, unknown>; priority: V3Priority } {
  const common = { plan_id: event.planId, timestamp: event.timestamp };
  switch (event.type) {
    case 'agent_stream_start':
      return {
        priority: 1,
        payload: {
          ...common,
          agent_name: event.agentName,
          agent: event.agentName,
          content: '',
          stream_id: event.streamId,
          status: 'streaming_started',
        },
      };
    case 'agent_message_streaming':
      return {
        priority: 2,
        payload: {
          ...common,
          agent_name: event.agentName,
          agent: event.agentName,
          content: event.delta,
          stream_id: event.streamId,
          is_complete: false,
          is_final: false,
        },
      };
    case 'agent_stream_end':
      return {
        priority: 2,
        payload: {
          ...common,
          agent_name: event.agentName,
          agent: event.agentName,
          content: event.text,
          stream_id: event.streamId,
          is_complete: true,
        },
      };
    case 'progress_update':
    case 'step_progress':
      return {
        priority: 1,
        payload: {
          ...common,
          agent_name: event.currentAgent,
          content: event.stepDescription,
          current_step: event.currentStep,
          total_steps: event.totalSteps,
          current_agent: event.currentAgent,
          agent_status: event.agentStatus,
          step_description: event.stepDescription,
        },
      };
    case 'workflow_started':
    case 'workflow_completed':
    case 'system_message':
      return {
        priority: event.type === 'workflow_started' ? 1 : 0,
        payload: { ...common, agent_name: 'System', content: event.text },
      };
    case 'error_notification':
      return {
        priority: 3,
        payload: {
          ...common,
          agent_name: 'System',
          content: event.errorMessage,
          error_type: event.errorType,
          error_message: event.errorMessage,
          recoverable: event.recoverable,
        },
      };
  }
}
