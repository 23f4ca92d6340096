import type { IndelibleError } from '../../protocol/errors.ts';
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

export interface SpoolOfStore {
  /** Undefined: there is to be none. */
  readonly spool: Spool | undefined;
  /** Spools of dead processes beside it whose records could not be moved, and why. */
  readonly left: readonly { readonly path: string; readonly error: IndelibleError }[];
}

/**
 * The spool for the store of this address, open. There is none if none was asked for, if the database is in memory, or if
 * neither a spool nor the store's address was named.
 *
 * @throws IndelibleError as `openSpool` and `openDefaultSpool`
 */
export function openSpoolOf(
  address: string | undefined,
  { spool, maxBytes, clock }: SpoolOfStoreOptions,
): SpoolOfStore {
  const options = { maxBytes, now: () => clock.now() };
  if (spool === false) return { spool: undefined, left: [] };
  if (spool !== undefined) return { spool: typeof spool === 'string' ? openSpool(spool, options) : spool, left: [] };
  const base = address === undefined ? undefined : defaultSpoolPath(address);
  return base === undefined ? { spool: undefined, left: [] } : openDefaultSpool(base, options);
}
