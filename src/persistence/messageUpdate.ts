import { IndelibleError } from '../protocol/errors.ts';
import { encodeJson, encodeJsonObject } from '../protocol/jsonText.ts';
import { checkId, refuseTooLarge, type StoredMessage } from '../protocol/message.ts';
import { encodeMessageBytes, type MessageBytes, parseMessageBytes } from '../protocol/messageBytes.ts';
import type { MessageLog } from '../store/messageLog.ts';

export interface MessageChange {
  /** The version the change is based on: 1 for a message that was never updated. */
  readonly expectedVersion: number;
  readonly content?: string;
  /** Replaces the metadata as a whole. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export type UpdateResult =
  | { readonly status: 'updated'; readonly message: StoredMessage }
  /** `message`: what it says now, if the reason is `version_conflict`. */
  | { readonly status: 'refused'; readonly error: IndelibleError; readonly message?: StoredMessage };

/** Never throws. `store_unavailable` among the errors means unknown: read before trying again. */
export async function updateMessage(
  log: MessageLog,
  planId: string,
  messageId: string,
  change: MessageChange,
  maxMessageBytes: number,
): Promise<UpdateResult> {
  try {
    const encoded = checkChange(planId, messageId, change);
    const { expectedVersion } = encoded;
    const found = await log.find(planId, messageId);
    if (found === undefined) return refused(new IndelibleError('message_not_found', { field: 'messageId' }));
    // What is not changed is taken over from the version the change is based on, never from another one.
    if (found.version !== expectedVersion) return conflict(found, expectedVersion);
    const body = changedBody(found.body, encoded);
    refuseTooLarge(body, maxMessageBytes);
    const outcome = await log.update({ planId, messageId, body }, expectedVersion);
    if (outcome.status === 'updated') return outcome;
    if (outcome.status === 'not_found') return refused(new IndelibleError('message_not_found', { field: 'messageId' }));
    return conflict(outcome.message, expectedVersion);
  } catch (cause) {
    return refused(IndelibleError.is(cause) ? cause : new IndelibleError('invalid_message', { cause }));
  }
}

interface EncodedChange {
  readonly expectedVersion: number;
  readonly content: string | undefined;
  /** JSON text. */
  readonly metadata: string | undefined;
}

function checkChange(planId: string, messageId: string, change: MessageChange): EncodedChange {
  checkId(planId, 'planId');
  checkId(messageId, 'messageId');
  if (typeof change !== 'object' || change === null) throw invalid('change', 'is missing');
  const { expectedVersion, content, metadata } = change;
  if (!Number.isSafeInteger(expectedVersion) || expectedVersion < 1)
    throw invalid('expectedVersion', 'is not a version: 1, 2, 3 …');
  if (content === undefined && metadata === undefined)
    throw invalid('content', 'and metadata are both missing: nothing to change');
  if (content !== undefined && typeof content !== 'string') throw invalid('content', 'is not a string');
  if (metadata === undefined) return { expectedVersion, content, metadata: undefined };
  if (Object.prototype.toString.call(metadata) !== '[object Object]') throw invalid('metadata', 'is not an object');
  return { expectedVersion, content, metadata: encodeJsonObject(metadata, 'metadata') };
}

function changedBody(body: MessageBytes, { content, metadata }: EncodedChange): MessageBytes {
  const wire = parseMessageBytes(body);
  return encodeMessageBytes({
    planId: wire.plan_id,
    messageId: wire.message_id,
    timestamp: wire.timestamp,
    agentName: wire.agent_name,
    agentType: wire.agent_type,
    type: wire.type,
    content: content ?? wire.content,
    metadata: metadata ?? encodeJson(wire.metadata, 'metadata'),
  });
}

function invalid(field: string, what: string): IndelibleError {
  return new IndelibleError('invalid_message', { message: `${field} ${what}`, field });
}

function conflict(found: StoredMessage, expectedVersion: number): UpdateResult {
  const message = `the message has version ${found.version}, not ${expectedVersion}`;
  const error = new IndelibleError('version_conflict', { message, field: 'expectedVersion' });
  return { status: 'refused', error, message: found };
}

function refused(error: IndelibleError): UpdateResult {
  return { status: 'refused', error };
}
