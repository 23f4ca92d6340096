import type { JsonObject, JsonValue } from './jsonText.ts';
import type { MessageType } from './messageType.ts';

/**
 * A message as JSON text, encoded once when it was accepted. Stored, answered by GET and sent over sockets as it is.
 *
 * The first members stand in a fixed order, `timestamp` (always 24 characters), `type`, `agent_name`, `message_id`,
 * so that a protocol's view can copy their encoded values from the text instead of parsing it. Written by
 * {@link encodeMessageBytes} only.
 */
export type MessageBytes = string;

const timestampStart = '{"timestamp":'.length;
const timestampEnd = timestampStart + 26;
const typeStart = timestampEnd + ',"type":'.length;
const agentNameGap = ',"agent_name":'.length;
const messageIdGap = ',"message_id":'.length;

export interface MessageFields {
  readonly planId: string;
  readonly messageId: string;
  readonly timestamp: string;
  readonly agentName: string;
  readonly agentType: string;
  readonly type: MessageType;
  readonly content: string;
  /** JSON text of an object. */
  readonly metadata: string;
}

export function encodeMessageBytes(fields: MessageFields): MessageBytes {
  return (
    `{"timestamp":"${fields.timestamp}","type":"${fields.type}","agent_name":${JSON.stringify(fields.agentName)}` +
    `,"message_id":${JSON.stringify(fields.messageId)},"plan_id":${JSON.stringify(fields.planId)}` +
    `,"agent_type":${JSON.stringify(fields.agentType)}` +
    `,"content":${JSON.stringify(fields.content)},"metadata":${fields.metadata}}`
  );
}

/** The encoded values of the leading members, quotes included, copied from the text. */
export interface LeadingTokens {
  readonly timestamp: string;
  readonly type: string;
  readonly agentName: string;
  readonly messageId: string;
}

export function leadingTokens(body: MessageBytes): LeadingTokens {
  const typeEnd = endOfString(body, typeStart);
  const agentNameStart = typeEnd + agentNameGap;
  const agentNameEnd = endOfString(body, agentNameStart);
  const messageIdStart = agentNameEnd + messageIdGap;
  return {
    timestamp: body.slice(timestampStart, timestampEnd),
    type: body.slice(typeStart, typeEnd),
    agentName: body.slice(agentNameStart, agentNameEnd),
    messageId: body.slice(messageIdStart, endOfString(body, messageIdStart)),
  };
}

/** The position behind the closing quote of the JSON string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = start + 1; end < text.length; end++) {
    const character = text.charCodeAt(end);
    if (character === 0x5c) end++;
    else if (character === 0x22) return end + 1;
  }
  throw new RangeError('not the bytes of a message');
}

/** Where the encoded agent name starts in the UTF-8 of a body that starts at `bodyStart`. */
export function agentNameStart(bytes: Uint8Array, bodyStart: number): number {
  return endOfStringBytes(bytes, bodyStart + typeStart) + agentNameGap;
}

/** Where it ends, closing quote included. */
export function agentNameEnd(bytes: Uint8Array, start: number): number {
  return endOfStringBytes(bytes, start);
}

/** {@link endOfString}, of UTF-8: no byte of a longer character is a quote or a backslash. */
function endOfStringBytes(bytes: Uint8Array, start: number): number {
  for (let end = start + 1; end < bytes.length; end++) {
    const byte = bytes[end];
    if (byte === 0x5c) end++;
    else if (byte === 0x22) return end + 1;
  }
  throw new RangeError('not the bytes of a message');
}

/** The wire form of a body, parsed. */
export interface WireMessageBody {
  readonly timestamp: string;
  readonly type: MessageType;
  readonly agent_name: string;
  readonly message_id: string;
  readonly plan_id: string;
  readonly agent_type: string;
  readonly content: string;
  readonly metadata: JsonObject;
}

export function parseMessageBytes(body: MessageBytes): WireMessageBody {
  return JSON.parse(body) as WireMessageBody;
}

/**
 * Whether two bodies say the same: all but the timestamp, whatever the order of keys in the metadata. Equal text
 * answers at once; only a difference is parsed.
 */
export function sameContent(one: MessageBytes, other: MessageBytes): boolean {
  if (one.slice(timestampEnd) === other.slice(timestampEnd)) return true;
  const { timestamp: _one, ...a } = parseMessageBytes(one);
  const { timestamp: _other, ...b } = parseMessageBytes(other);
  return sameJson(a as unknown as JsonValue, b as unknown as JsonValue);
}

function sameJson(one: JsonValue, other: JsonValue): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every(
    (key) =>
      Object.hasOwn(other, key) &&
      sameJson((one as JsonObject)[key] as JsonValue, (other as JsonObject)[key] as JsonValue),
  );
}
