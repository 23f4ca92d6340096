import { v7 as uuidV7 } from 'uuid';

const idsPerDraw = 256;
const bytesPerId = 16;
const random = new Uint8Array(idsPerDraw * bytesPerId);
let used = random.length;

/**
 * A new UUID of version 7: unique anywhere, and by its first half ordered by time to the millisecond, so that an index
 * of such ids grows at its end.
 *
 * The random bytes are drawn for many ids at once: a draw of 4,096 costs little more than one of 16, and a draw for each
 * id was a tenth of the work of saving a message.
 */
export function newMessageId(): string {
  if (used === random.length) {
    crypto.getRandomValues(random);
    used = 0;
  }
  const start = used;
  used += bytesPerId;
  return uuidV7({ random: random.subarray(start, used) });
}
