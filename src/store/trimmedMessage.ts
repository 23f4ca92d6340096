import { createHash } from 'node:crypto';
import type { PreparedMessage, StoredMessage } from '../protocol/message.ts';
import type { MessageBytes } from '../protocol/messageBytes.ts';
import { sameContent } from '../protocol/messageBytes.ts';
import type { AppendOutcome } from './messageLog.ts';

/**
 * What stays of a trimmed message in its row, in place of its body: a JSON string, the fingerprint of its content. The
 * id, the sequence and whether somebody who saves it again says the same are known for ever; the text is gone.
 */
export function whatStays(body: MessageBytes): string {
  return JSON.stringify(fingerprint(body));
}

/** A body is an object. */
export function isTrimmed(body: string): boolean {
  return body.startsWith('"');
}

/** Of all that counts as content: the text behind the timestamp, which stands first and has always the same length. */
export const contentStart = '{"timestamp":"2026-11-23T10:00:00.000Z"'.length;

/** In characters of hexadecimal. */
export const fingerprintLength = 32;

function fingerprint(body: MessageBytes): string {
  return createHash('sha256').update(body.slice(contentStart)).digest('hex').slice(0, fingerprintLength);
}

/**
 * What a message is told whose id is taken by `first`. If that was trimmed, its place is still right; what the outcome
 * says of its content is what was given.
 */
export function repeated(first: StoredMessage, { body }: PreparedMessage): AppendOutcome {
  if (!isTrimmed(first.body))
    return { status: sameContent(first.body, body) ? 'duplicate' : 'conflict', message: first };
  return { status: first.body === whatStays(body) ? 'duplicate' : 'conflict', message: { ...first, body } };
}
