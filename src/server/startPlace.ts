import type { LogExtent } from '../feed/subscription.ts';
import { decodeCursor } from '../protocol/cursor.ts';
import type { LogPosition } from '../store/messageLog.ts';

/**
 * Where a client begins that shows this cursor, or none. `isReset`: the cursor is of another history of the log, or
 * beyond its end, so what the client holds is void, and it begins at the log's beginning.
 *
 * A client that holds nothing has no updates to be told of: it begins at the revision that the log is at.
 *
 * @throws IndelibleError `invalid_cursor`
 */
export function startPlace(
  planId: string,
  cursor: string | undefined,
  { head, epoch }: LogExtent,
): { readonly place: LogPosition; readonly isReset: boolean } {
  const beginning = { sequence: 0, revision: head.revision };
  if (cursor === undefined) return { place: beginning, isReset: false };
  const place = decodeCursor(cursor, { epoch, planId });
  if (place === 'reset' || place.sequence > head.sequence || place.revision > head.revision) {
    return { place: beginning, isReset: true };
  }
  return { place: place.sequence === 0 ? beginning : place, isReset: false };
}
