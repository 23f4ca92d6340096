import { z } from 'zod';
import { IndelibleError } from './errors.ts';
import { encodeJsonObject, type JsonObject } from './jsonText.ts';
import { encodeMessageBytes, type MessageBytes } from './messageBytes.ts';
import { newMessageId } from './messageId.ts';
import { type MessageType, messageTypes } from './messageType.ts';

/**
 * Where a message is on its way: in memory only; durable on the disk of the process that accepted it; in the database;
 * refused for good.
 */
export type PersistenceStatus = 'pending' | 'spooled' | 'stored' | 'refused';

/**
 * A message as the log holds it, with how it got there told beside it. The tracking fields (`persistenceStatus`,
 * `savedToDb`, `sentViaWebsocket`, `retryCount`) are not part of the stored bytes: with and without a socket the
 * database holds the same.
 */
export interface AgentMessage {
  readonly planId: string;
  /** Unique within the plan. */
  readonly messageId: string;
  /** The message's place in its plan: 1, 2, 3 … without gaps. 0 while it is not stored. */
  readonly sequence: number;
  /** 1 when first stored, one more with every update. 0 while it is not stored. */
  readonly version: number;
  readonly type: MessageType;
  readonly agentName: string;
  readonly agentType: string;
  /** May be empty: a tool call has no text. */
  readonly content: string;
  /** ISO 8601, UTC, milliseconds, ending in `Z`. Data, not order: order is `sequence`. */
  readonly timestamp: string;
  readonly metadata: JsonObject;
  readonly persistenceStatus: PersistenceStatus;
  readonly savedToDb: boolean;
  readonly sentViaWebsocket: boolean;
  readonly retryCount: number;
}

/** A message as an agent hands it over. */
export interface NewMessage {
  readonly planId: string;
  readonly agentName: string;
  readonly content: string;
  /** Default `agent`. */
  readonly agentType?: string | undefined;
  /** Default `agent_message`. */
  readonly type?: MessageType | undefined;
  /** Any data JSON carries without loss. Default `{}`. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Default a new UUID v7. Give one to make saving again safe. */
  readonly messageId?: string | undefined;
  /** Default now. A date, or ISO 8601 text, which without a zone means UTC. Years 0 to 9999. */
  readonly timestamp?: string | Date | undefined;
}

/** A message accepted and encoded, on its way into the log. */
export interface PreparedMessage {
  readonly planId: string;
  readonly messageId: string;
  readonly body: MessageBytes;
}

/** A message in the log. Its `body` is what it was encoded to when it was accepted. */
export interface StoredMessage extends PreparedMessage {
  readonly sequence: number;
  readonly version: number;
  /** 0, or the place of the message's last update in the plan's order of updates: 1, 2, 3 … */
  readonly revision: number;
}

const maxIdLength = 256;
export const defaultMaxMessageBytes = 4 * 1024 * 1024;

/** 1 to 256 characters that survive a URL path, a log line and UTF-8; case and normal form are kept. */
export const idSchema = z
  .string()
  .min(1, 'is empty')
  .max(maxIdLength, `is longer than ${maxIdLength} characters`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
  .regex(/^[^\u0000-\u001f\u007f-\u009f/\\]*$/, 'holds a control character or a slash')
  .refine((id) => id.isWellFormed(), 'holds half a surrogate pair')
  .refine((id) => id !== '.' && id !== '..', 'is a path');

export const nameSchema = z.string().min(1, 'is empty').max(256, 'is longer than 256 characters');

const newMessageSchema = z.object({
  planId: idSchema,
  messageId: idSchema.optional(),
  agentName: nameSchema,
  agentType: nameSchema.default('agent'),
  type: z.enum(messageTypes).default('agent_message'),
  content: z.string(),
  metadata: z.custom<Record<string, unknown>>(isPlainObject, 'is not an object').optional(),
  timestamp: z
    .union([z.iso.datetime({ offset: true, local: true }), z.date()], 'is no ISO 8601 date and time')
    .optional(),
});

export interface PrepareOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly maxMessageBytes?: number;
}

/**
 * The door: checks a message and encodes it, once. What it returns shares nothing with the input, so changing the
 * input afterwards changes nothing. Throws an {@link IndelibleError} (`invalid_message`, `invalid_id`,
 * `metadata_not_json`, `message_too_large`) that names the field.
 */
export function prepareMessage(input: NewMessage, options: PrepareOptions): PreparedMessage {
  const message = parseFields(input);
  const messageId = message.messageId ?? newMessageId();
  const limit = options.maxMessageBytes ?? defaultMaxMessageBytes;
  // Asked before it is encoded: text of the greatest length that JavaScript allows cannot be.
  if (message.content.length > limit) throw tooLarge(message.content.length, limit);
  const body = encodeMessageBytes({
    planId: message.planId,
    messageId,
    timestamp: canonicalTimestamp(message.timestamp, options.now),
    agentName: message.agentName,
    agentType: message.agentType,
    type: message.type,
    content: message.content,
    metadata: message.metadata === undefined ? '{}' : encodeJsonObject(message.metadata, 'metadata'),
  });
  refuseTooLarge(body, limit);
  return { planId: message.planId, messageId, body };
}

/** Refuses a body over the limit, in bytes of UTF-8; measures only where the length in characters leaves doubt. */
export function refuseTooLarge(body: MessageBytes, limit: number): void {
  if (body.length * 3 <= limit) return;
  const size = body.length > limit ? body.length : new TextEncoder().encode(body).length;
  if (size > limit) throw tooLarge(size, limit);
}

function tooLarge(size: number, limit: number): IndelibleError {
  const message = `the encoded message has at least ${size} bytes; the limit is ${limit}`;
  return new IndelibleError('message_too_large', { message, field: 'content' });
}

/** The id itself, or an `invalid_id` error that names `field`. */
export function checkId(value: unknown, field: string): string {
  const parsed = idSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new IndelibleError('invalid_id', { message: `${field} ${reason(parsed.error, value)}`, field });
}

function parseFields(input: NewMessage): z.infer<typeof newMessageSchema> {
  let parsed: z.ZodSafeParseResult<z.infer<typeof newMessageSchema>>;
  try {
    parsed = newMessageSchema.safeParse(input);
  } catch (cause) {
    throw new IndelibleError('invalid_message', { message: 'the message throws when it is read', cause });
  }
  if (parsed.success) return parsed.data;
  const field = String(parsed.error.issues[0]?.path[0] ?? 'message');
  const value = (input as unknown as Record<string, unknown> | null)?.[field];
  const code = field === 'planId' || field === 'messageId' ? 'invalid_id' : 'invalid_message';
  throw new IndelibleError(code, { message: `${field} ${reason(parsed.error, value)}`, field });
}

function reason(error: z.ZodError, value: unknown): string {
  if (value === undefined) return 'is missing';
  const text = error.issues[0]?.message ?? 'is invalid';
  return /^(is|holds) /.test(text) ? text : `is not valid (${text})`;
}

function canonicalTimestamp(given: string | Date | undefined, now: () => number): string {
  if (given === undefined) return textOfNow(now());
  return textOf(new Date(withZone(given)), 'timestamp');
}

let latest = { milliseconds: Number.NaN, text: '' };

/** Messages of one millisecond share its text: measured, to write it is a sixth of what preparing costs. */
function textOfNow(milliseconds: number): string {
  if (milliseconds !== latest.milliseconds) {
    latest = { milliseconds, text: textOf(new Date(milliseconds), 'timestamp, taken from the clock,') };
  }
  return latest.text;
}

function textOf(date: Date, whose: string): string {
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString();
  if (text.length === 24) return text;
  const message = `${whose} is not a date of the years 0 to 9999`;
  throw new IndelibleError('invalid_message', { message, field: 'timestamp' });
}

function withZone(given: string | Date): string | Date {
  return typeof given === 'string' && !/(Z|[+-]\d\d:\d\d)$/.test(given) ? `${given}Z` : given;
}

function isPlainObject(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Object]';
}
