import type { LiveEvent } from './liveEvent.ts';
import type { PreparedMessage, StoredMessage } from './message.ts';
import type { WireMessageBody } from './messageBytes.ts';

/**
 * The frames of `indelible.v1` (PROTOCOL.md), both ways, as types, and how they are written and read. What is stored is
 * put into a frame as it is; nothing is encoded again.
 *
 * Readers check that a frame is of a known type and has its members. Members that are not known are passed over.
 */

/** The subprotocol that a client must offer. */
export const liveProtocol = 'indelible.v1';
/** The socket was closed because its client took nothing for too long. */
export const tooSlowCode = 4408;

export type ClientFrame =
  | { readonly type: 'subscribe'; readonly plan_id: string; readonly after?: string }
  | { readonly type: 'unsubscribe'; readonly plan_id: string }
  | { readonly type: 'read'; readonly plan_id: string; readonly sequence: number }
  | { readonly type: 'ping' };

export interface MessageFrame {
  readonly type: 'message';
  readonly plan_id: string;
  readonly sequence: number;
  readonly version: number;
  readonly message: WireMessageBody;
  /** Whoever has this frame has all before it. */
  readonly cursor?: string;
}

export interface DraftFrame {
  readonly type: 'draft';
  readonly plan_id: string;
  /** The `message_id` of the message that it becomes. */
  readonly draft_id: string;
  readonly agent_name: string;
  /** Where in the draft `text` begins, in UTF-16 code units; 0: it is the whole so far. */
  readonly offset: number;
  readonly text: string;
  readonly done?: boolean;
}

export type ServerFrame =
  | MessageFrame
  | { readonly type: 'spooled'; readonly plan_id: string; readonly message: WireMessageBody }
  | DraftFrame
  | { readonly type: 'event'; readonly plan_id: string; readonly event: WireEvent }
  | { readonly type: 'caught_up'; readonly plan_id: string; readonly cursor: string }
  | { readonly type: 'gap'; readonly plan_id: string; readonly from: number; readonly to: number }
  | { readonly type: 'reset'; readonly plan_id: string }
  | { readonly type: 'read'; readonly plan_id: string; readonly sequence: number }
  | { readonly type: 'unsubscribed'; readonly plan_id: string }
  | {
      readonly type: 'error';
      readonly code: string;
      readonly message: string;
      readonly remedy: string;
      readonly plan_id?: string;
    }
  | { readonly type: 'pong' };

/** What is only live, in wire spelling: the live event's members but for the plan, which the frame names. */
export interface WireEvent {
  readonly type: Exclude<LiveEvent['type'], `agent_${string}` | 'message_spooled' | 'read_position'>;
  readonly timestamp: string;
  readonly [member: string]: unknown;
}

/** A message as it stands in a frame of its own, and in lists. `cursor` is written as it is: it needs no escaping. */
export function messageFrame(message: StoredMessage, cursor?: string): string {
  const { planId, sequence, version, body } = message;
  const last = cursor === undefined ? '' : `,"cursor":"${cursor}"`;
  const place = `"sequence":${sequence},"version":${version}`;
  return `{"type":"message","plan_id":${JSON.stringify(planId)},${place},"message":${body}${last}}`;
}

export function spooledFrame({ planId, body }: PreparedMessage): string {
  return `{"type":"spooled","plan_id":${JSON.stringify(planId)},"message":${body}}`;
}

export function encodeFrame(frame: ClientFrame | Exclude<ServerFrame, { type: 'message' | 'spooled' }>): string {
  return JSON.stringify(frame);
}

type Members = Readonly<Record<string, 'string' | 'number' | 'object' | 'string?' | 'boolean?'>>;

const clientFrames: Readonly<Record<ClientFrame['type'], Members>> = {
  subscribe: { plan_id: 'string', after: 'string?' },
  unsubscribe: { plan_id: 'string' },
  read: { plan_id: 'string', sequence: 'number' },
  ping: {},
};

const serverFrames: Readonly<Record<ServerFrame['type'], Members>> = {
  message: { plan_id: 'string', sequence: 'number', version: 'number', message: 'object', cursor: 'string?' },
  spooled: { plan_id: 'string', message: 'object' },
  draft: {
    plan_id: 'string',
    draft_id: 'string',
    agent_name: 'string',
    offset: 'number',
    text: 'string',
    done: 'boolean?',
  },
  event: { plan_id: 'string', event: 'object' },
  caught_up: { plan_id: 'string', cursor: 'string' },
  gap: { plan_id: 'string', from: 'number', to: 'number' },
  reset: { plan_id: 'string' },
  read: { plan_id: 'string', sequence: 'number' },
  unsubscribed: { plan_id: 'string' },
  error: { code: 'string', message: 'string', remedy: 'string', plan_id: 'string?' },
  pong: {},
};

/** Why a frame cannot be taken, as a code of the error table. `field`: the member that is missing or of a wrong type. */
export interface UnreadableFrame {
  readonly refused: 'invalid_request' | 'unknown_message_type';
  readonly field?: string;
}

/** A parsed JSON value as a frame that a client may send. */
export function readClientFrame(value: unknown): ClientFrame | UnreadableFrame {
  return read<ClientFrame>(value, clientFrames);
}

/** The same of a server. A client passes over what it does not know. */
export function readServerFrame(value: unknown): ServerFrame | UnreadableFrame {
  return read<ServerFrame>(value, serverFrames);
}

function read<F>(value: unknown, known: Readonly<Record<string, Members>>): F | UnreadableFrame {
  if (typeof value !== 'object' || value === null) return { refused: 'invalid_request' };
  const frame = value as Readonly<Record<string, unknown>>;
  const { type } = frame;
  if (typeof type !== 'string') return { refused: 'invalid_request', field: 'type' };
  if (!Object.hasOwn(known, type)) return { refused: 'unknown_message_type', field: 'type' };
  for (const [member, wanted] of Object.entries(known[type] as Members)) {
    if (!isOfType(Object.hasOwn(frame, member) ? frame[member] : undefined, wanted)) {
      return { refused: 'invalid_request', field: member };
    }
  }
  return value as F;
}

function isOfType(value: unknown, wanted: string): boolean {
  const required = wanted.replace('?', '');
  return value === undefined ? wanted !== required : value !== null && typeof value === required;
}
