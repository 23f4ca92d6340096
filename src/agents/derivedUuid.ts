import { createHash } from 'node:crypto';

/**
 * An id that follows from what is given, in its order: the same again gives the same id, anything else another one. What
 * is given must be JSON. In the form of a UUID, version 8.
 */
export function derivedUuid(...from: readonly unknown[]): string {
  const bytes = createHash('sha256').update(JSON.stringify(from)).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80; // RFC 9562, version 8: made by a rule of our own
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
