import { existsSync } from 'node:fs';
import { IndelibleError } from '../protocol/errors.ts';
import type { Store } from '../store/store.ts';
import { openNamedStore, type Setting } from './settings.ts';

/**
 * Opens the store for a command that only reads: one that is not there is an error, not a new empty file in whichever
 * folder the command was given.
 *
 * @throws IndelibleError `invalid_config`, and as {@link openNamedStore}
 */
export async function openExistingStore(named: Setting, environment: NodeJS.ProcessEnv): Promise<Store> {
  const path = named.value.startsWith('sqlite:') ? named.value.slice('sqlite:'.length) : '';
  if (path !== '' && !existsSync(path)) {
    const message = `there is no database at ${path} (${named.field}); serve, run and replay make one`;
    throw new IndelibleError('invalid_config', { message, field: named.field });
  }
  return await openNamedStore(named, environment, { migrate: false });
}
