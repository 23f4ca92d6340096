import { crc32 } from 'node:zlib';
import type { PreparedMessage } from '../../protocol/message.ts';

/** A row as it was read. After damage any column may hold anything. */
export interface RecordRow {
  readonly id: unknown;
  readonly plan_id: unknown;
  readonly message_id: unknown;
  readonly accepted_at: unknown;
  readonly checksum: unknown;
  readonly body: unknown;
}

/**
 * What to select for a {@link RecordRow}. Numbers come as REAL: exact for all that were written, and a damaged one that
 * JavaScript cannot hold is no exception but a wrong number.
 */
export const recordColumns =
  'rowid + 0.0 AS id, plan_id, message_id, accepted_at + 0.0 AS accepted_at, checksum + 0.0 AS checksum, body';

/**
 * Over all that is delivered of a record and over its place, so that neither a changed byte nor a changed order goes
 * unseen. Ids of plans and messages hold no line break. SQLite has checksums in its WAL, none over the file itself.
 */
export function recordChecksum(id: number, { planId, messageId, body }: PreparedMessage): number {
  return crc32(body, crc32(`${id}\n${planId}\n${messageId}\n`));
}

/** The message of a row that is as it was written; undefined for a damaged one. */
export function intactMessage(row: RecordRow): PreparedMessage | undefined {
  const { id, plan_id: planId, message_id: messageId, body } = row;
  if (typeof planId !== 'string' || typeof messageId !== 'string' || typeof body !== 'string') return undefined;
  const message = { planId, messageId, body };
  return typeof id === 'number' && recordChecksum(id, message) === row.checksum ? message : undefined;
}

/** What a record counts against the bound: its bytes, and about what SQLite adds to a row. */
export function recordSize({ planId, messageId, body }: PreparedMessage): number {
  return Buffer.byteLength(body) + Buffer.byteLength(planId) + Buffer.byteLength(messageId) + rowOverhead;
}

/** The same of a row that may be damaged. */
export function rowSize({ plan_id, message_id, body }: RecordRow): number {
  return [plan_id, message_id, body].reduce<number>((sum, value) => sum + bytesOf(value), rowOverhead);
}

const rowOverhead = 48;

function bytesOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  return value instanceof Uint8Array ? value.byteLength : 8;
}
