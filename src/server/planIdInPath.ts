import type { Context } from 'hono';
import { IndelibleError } from '../protocol/errors.ts';
import { checkId } from '../protocol/message.ts';

/** The id in the path, as it was sent: hono hands on what it cannot decode. @throws IndelibleError `invalid_id` */
export function planIdInPath(c: Context): string {
  return idInPath(c, 4, 'plan_id');
}

/** The id of what belongs to the plan: `/api/v1/plans/{plan_id}/messages/{message_id}`. @throws IndelibleError `invalid_id` */
export function innerIdInPath(c: Context, field: string): string {
  return idInPath(c, 6, field);
}

function idInPath(c: Context, place: number, field: string): string {
  const segment = new URL(c.req.url).pathname.split('/')[place] ?? '';
  try {
    return checkId(decodeURIComponent(segment), field);
  } catch (cause) {
    if (IndelibleError.is(cause)) throw cause;
    throw new IndelibleError('invalid_id', { message: `${field} is not percent-encoded UTF-8`, field, cause });
  }
}
