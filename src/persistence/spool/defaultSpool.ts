import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { IndelibleError } from '../../protocol/errors.ts';
import { adopt } from './adoption.ts';
import { ownFile } from './openSpool.ts';
import type { OwnedFile } from './ownedFile.ts';
import type { Spool, SpoolOptions } from './spool.ts';
import { SqliteSpool } from './sqliteSpool.ts';

/** So many processes can have a spool at one default place. */
const slots = 16;

export interface DefaultSpool {
  readonly spool: Spool;
  readonly path: string;
  /** Records that waited in spools of processes that are gone, and wait in this one now. */
  readonly adopted: number;
  /** Spools whose records could not be moved, and why. They stay where they are, until somebody else starts here. */
  readonly left: readonly { readonly path: string; readonly error: IndelibleError }[];
}

/**
 * Where the spool of a store is unless it is named: beside the file of a SQLite database, else in the working directory,
 * by a name that tells databases apart, so that what waits for one never goes into another. Undefined for a database in
 * memory: what waits for it would outlive it.
 */
export function defaultSpoolPath(store: string): string | undefined {
  if (!store.startsWith('sqlite:')) return `./indelible-${placeOf(store)}.spool`;
  const file = store.slice('sqlite:'.length);
  return file === ':memory:' ? undefined : `${file}.spool`;
}

/** Which database an address names, without who asks: eight digits. */
function placeOf(address: string): string {
  const url = URL.parse(address);
  const place = url === null ? address : `${url.hostname}:${url.port || 5432}${url.pathname}`;
  return createHash('sha256').update(place).digest('hex').slice(0, 8);
}

/** The places of spools at a default place: `base`, `base.2` … `base.16`. */
export function defaultSpoolPaths(base: string): readonly string[] {
  return Array.from({ length: slots }, (_, index) => (index === 0 ? base : `${base}.${index + 1}`));
}

/**
 * Opens the first spool at the default place that no living process owns, and takes in what dead ones left in the
 * others, so that nothing waits for a process that never comes again. Each one's order is kept.
 *
 * @throws IndelibleError `spool_in_use` if all are owned; else as `openSpool`
 */
export function openDefaultSpool(base: string, options: SpoolOptions): DefaultSpool {
  const { path, file } = firstFree(base, options.now);
  try {
    return { spool: new SqliteSpool(file, options), path, ...adoptOthers(base, path, file, options.now) };
  } catch (error) {
    file.close();
    throw error;
  }
}

function adoptOthers(base: string, own: string, into: OwnedFile, now: () => number) {
  let adopted = 0;
  const left: { path: string; error: IndelibleError }[] = [];
  for (const path of defaultSpoolPaths(base)) {
    if (path === own || !existsSync(path)) continue;
    try {
      adopted += adoptFrom(path, into, now);
    } catch (error) {
      if (!IndelibleError.is(error)) throw error;
      if (error.code !== 'spool_in_use') left.push({ path, error });
    }
  }
  return { adopted, left };
}

function firstFree(base: string, now: () => number): { readonly path: string; readonly file: OwnedFile } {
  for (const path of defaultSpoolPaths(base)) {
    try {
      return { path, file: ownFile(path, now) };
    } catch (error) {
      if (!IndelibleError.is(error, 'spool_in_use')) throw error;
    }
  }
  const message = `all of ${base}, ${base}.2 … ${base}.${slots} belong to services that are alive`;
  throw new IndelibleError('spool_in_use', { message });
}

function adoptFrom(path: string, into: OwnedFile, now: () => number): number {
  const from = ownFile(path, now);
  try {
    return adopt(from, into, now());
  } finally {
    from.close();
  }
}
