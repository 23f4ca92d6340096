import type { Context } from 'hono';
import { IndelibleError } from '../protocol/errors.ts';
import { checkId } from '../protocol/message.ts';

/** The id in the path, as it was sent: hono hands on what it cannot decode. @throws IndelibleError `invalid_id` */
export function planIdInPath(c: Context): string {
  const segment = new URL(c.req.url).pathname.split('/')[4] ?? '';
  try {
    return checkId(decodeURIComponent(segment), 'plan_id');
  } catch (cause) {
    if (IndelibleError.is(cause)) throw cause;
    throw new IndelibleError('invalid_id', {
      message: 'plan_id is not percent-encoded UTF-8',
      field: 'plan_id',
      cause,
    });
  }
}
