import type { Clock } from '../../resilience/clock.ts';
import { defaultSpoolPath, openDefaultSpool } from './defaultSpool.ts';
import { openSpool } from './openSpool.ts';
import type { Spool } from './spool.ts';

export const defaultSpoolMaxBytes = 1024 * 1024 * 1024;

export interface SpoolOfStoreOptions {
  /** A file, an open spool, `false` for none; default: beside the store. */
  readonly spool: string | Spool | false | undefined;
  readonly maxBytes: number;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * The spool for the store of this address, open; undefined where there is to be none: none was asked for, the database is
 * in memory, or the store was opened by somebody else and no spool was named.
 *
 * @throws IndelibleError as `openSpool` and `openDefaultSpool`
 */
export function openSpoolOf(
  address: string | undefined,
  { spool, maxBytes, clock }: SpoolOfStoreOptions,
): Spool | undefined {
  const options = { maxBytes, now: () => clock.now() };
  if (spool === false) return undefined;
  if (typeof spool === 'string') return openSpool(spool, options);
  if (spool !== undefined) return spool;
  const base = address === undefined ? undefined : defaultSpoolPath(address);
  return base === undefined ? undefined : openDefaultSpool(base, options).spool;
}
