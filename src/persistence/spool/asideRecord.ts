import type { SQLInputValue } from 'node:sqlite';
import { IndelibleError } from '../../protocol/errors.ts';
import type { PreparedMessage } from '../../protocol/message.ts';
import { intactMessage, type RecordRow, recordChecksum, rowSize } from './record.ts';
import type { SpoolConnection } from './spoolConnection.ts';

/** Why a record was set aside, and when (ms since 1970). */
export interface WhyAside {
  readonly code: string;
  readonly text: string;
  readonly since: number;
}

export interface AsideRow extends RecordRow {
  readonly error_code: string;
  readonly error_text: string;
  readonly aside_at: number;
}

/** The checksum of a record that is not what was written. No CRC is negative, so it is never taken for intact. */
const damagedChecksum = -1;

export function whyDamaged(since: number): WhyAside {
  const { code, message } = new IndelibleError('spool_damaged');
  return { code, text: message, since };
}

export function whyAside(row: AsideRow, now: number): WhyAside {
  const since = Number.isSafeInteger(row.aside_at) ? row.aside_at : now;
  return { code: String(row.error_code), text: String(row.error_text), since };
}

/** Writes a record that is set aside in the place `id`, as far as its values can be kept. */
export function insertAside(connection: SpoolConnection, id: number, row: RecordRow, why: WhyAside): void {
  const message = intactMessage(row);
  const checksum = message === undefined ? damagedChecksum : recordChecksum(id, message);
  connection.insertAside.run(
    id,
    kept(row.plan_id),
    kept(row.message_id),
    Number.isSafeInteger(row.accepted_at) ? (row.accepted_at as number) : why.since,
    checksum,
    rowSize(row),
    why.code,
    why.text,
    why.since,
    kept(row.body),
  );
}

/** The row that a message would be in the place `id`. */
export function rowOf(id: number, message: PreparedMessage, acceptedAt: number): RecordRow {
  return {
    id,
    plan_id: message.planId,
    message_id: message.messageId,
    accepted_at: acceptedAt,
    checksum: recordChecksum(id, message),
    body: message.body,
  };
}

function kept(value: unknown): SQLInputValue {
  return typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array ? value : null;
}
