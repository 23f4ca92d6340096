import { IndelibleError } from '../protocol/errors.ts';
import { nobody } from '../runs/runner.ts';

const maxLength = 256;

/**
 * Who calls, as far as the caller says so: without authentication it is a name, not a proof. Any string; none at all
 * means nobody. `field` is where it was said.
 *
 * @throws IndelibleError `invalid_request`
 */
export function userIdOf(said: string | undefined, field: string): string {
  if (said === undefined || said === '') return nobody;
  if (said.length <= maxLength) return said;
  throw new IndelibleError('invalid_request', { message: `${field} is longer than ${maxLength} characters`, field });
}
