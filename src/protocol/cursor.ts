import { IndelibleError } from './errors.ts';

/** A place in one plan's log, of one history of it. */
export interface CursorPlace {
  readonly epoch: string;
  readonly planId: string;
  readonly sequence: number;
  readonly revision: number;
}

/**
 * A cursor as clients keep it: opaque text that only makes sense to the log that gave it. It names the plan and the
 * log's epoch, and a checksum finds what was cut or changed. It grants nothing: whoever shows one is still asked who
 * they are.
 */
export function encodeCursor({ epoch, planId, sequence, revision }: CursorPlace): string {
  const text = `1.${sequence.toString(36)}.${revision.toString(36)}.${fingerprint(planId)}.${fingerprint(epoch)}`;
  return `${text}.${fingerprint(text)}`;
}

const form = /^1\.([0-9a-z]{1,11})\.([0-9a-z]{1,11})\.([0-9a-z]{1,14})\.([0-9a-z]{1,14})\.([0-9a-z]{1,14})$/;

/**
 * The position a cursor stands for in this plan's log as it is now; `reset` if the cursor is of an older history of the
 * log (another epoch), and what the client holds must be fetched anew.
 *
 * @throws IndelibleError `invalid_cursor` if it is no cursor, was changed, or belongs to another plan
 */
export function decodeCursor(
  cursor: string,
  log: { readonly epoch: string; readonly planId: string },
): { readonly sequence: number; readonly revision: number } | 'reset' {
  const [, sequence, revision, plan, epoch, checksum] = form.exec(cursor) ?? [];
  if (sequence === undefined || revision === undefined) throw invalid('is not a cursor');
  if (fingerprint(cursor.slice(0, cursor.lastIndexOf('.'))) !== checksum) throw invalid('was changed or cut');
  if (plan !== fingerprint(log.planId)) throw invalid('belongs to another plan');
  const place = { sequence: Number.parseInt(sequence, 36), revision: Number.parseInt(revision, 36) };
  if (!Number.isSafeInteger(place.sequence) || !Number.isSafeInteger(place.revision)) throw invalid('is not a cursor');
  return epoch === fingerprint(log.epoch) ? place : 'reset';
}

/** FNV-1a over the characters, in two halves of 32 bits: finds accidents, not forgers. */
function fingerprint(text: string): string {
  let one = 0x811c9dc5;
  let other = 0xcbf29ce4;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    one = Math.imul(one ^ unit, 0x01000193) >>> 0;
    other = Math.imul(other ^ (unit + index), 0x01000193) >>> 0;
  }
  return one.toString(36) + other.toString(36);
}

function invalid(what: string): IndelibleError {
  return new IndelibleError('invalid_cursor', { message: `the cursor ${what}`, field: 'after' });
}
