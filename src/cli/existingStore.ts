import { existsSync } from 'node:fs';
import { IndelibleError } from '../protocol/errors.ts';
import type { Store } from '../store/store.ts';
import { withRemedy } from './remedy.ts';
import { openNamedStore, type Setting, sqliteFile } from './settings.ts';

/**
 * Opens the store for a command that only reads: one that is not there is an error, not a new empty file in whichever
 * folder the command was given.
 *
 * @throws IndelibleError `invalid_config`, and as {@link openNamedStore}
 */
export async function openExistingStore(named: Setting, environment: NodeJS.ProcessEnv): Promise<Store> {
  const path = sqliteFile(named);
  if (path !== undefined && !existsSync(path)) {
    const message = `there is no database at ${path} (${named.field}); serve, run and replay make one`;
    const error = new IndelibleError('invalid_config', { message, field: named.field });
    throw withRemedy(error, 'Check the path, and the folder the command is given in; name another with `--store`.');
  }
  return await openNamedStore(named, environment, { migrate: false });
}
