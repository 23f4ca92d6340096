import { realpathSync } from 'node:fs';
import { createPrivately } from '../../store/sqlite/privateFile.ts';
import { OwnedFile } from './ownedFile.ts';
import type { Spool, SpoolOptions } from './spool.ts';
import { spoolFailure } from './spoolFailure.ts';
import { SpoolOwner } from './spoolOwner.ts';
import { SqliteSpool } from './sqliteSpool.ts';

/**
 * Opens the spool at `path` and owns it until it is closed or the process ends; makes the file (mode 0600) where there is
 * none. What a dead owner left is taken over at once. Parts of the file that are damaged do not keep the others back.
 *
 * @throws IndelibleError `spool_in_use`; `spool_unavailable`, also for a file that is something else; `spool_damaged` if
 *   nothing of the file can be read; `schema_too_new`
 */
export function openSpool(path: string, options: SpoolOptions): Spool {
  return new SqliteSpool(ownFile(path, options.now), options);
}

/** The file of {@link openSpool}, owned. */
export function ownFile(path: string, now: () => number): OwnedFile {
  const realPath = madeFile(path);
  const owner = new SpoolOwner(realPath);
  try {
    return new OwnedFile(realPath, owner, now);
  } catch (error) {
    owner.release();
    throw error;
  }
}

/** By whatever name the file is given, its owner is one. */
function madeFile(path: string): string {
  try {
    createPrivately(path);
    return realpathSync(path);
  } catch (error) {
    throw spoolFailure(`cannot open the spool ${path}`, error);
  }
}
