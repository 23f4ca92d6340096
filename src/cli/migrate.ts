import { existsSync } from 'node:fs';
import { IndelibleError } from '../protocol/errors.ts';
import type { ExitCode } from './failure.ts';
import type { Output } from './output.ts';
import { openNamedStore, type Setting, setting, sqliteFile } from './settings.ts';

export interface MigrateOptions {
  readonly store?: string;
  readonly json?: boolean;
}

/**
 * `indelible migrate`: makes the tables or brings them up to date, and does nothing else. For who lets the role that
 * serves make no tables. Several at once are safe: one migrates, the others find it done.
 */
export async function migrate(
  options: MigrateOptions,
  output: Output,
  environment: NodeJS.ProcessEnv,
): Promise<ExitCode> {
  const named = setting('store', options.store, environment);
  const file = sqliteFile(named);
  const isNew = file !== undefined && !existsSync(file);
  const before = !isNew && (await isUpToDate(named, environment));
  const store = await openNamedStore(named, environment, { migrate: true });
  await store.close();
  if (options.json) output.json(JSON.stringify({ store: store.description, migrated: !before }));
  else output.line(`${store.description} ${before ? 'was' : 'is now'} up to date.`);
  return 0;
}

/** Whether the schema is the one this version needs. A file of SQLite is brought up to date whenever it is opened. */
async function isUpToDate(named: Setting, environment: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    const store = await openNamedStore(named, environment, { migrate: false });
    await store.close();
    return true;
  } catch (error) {
    if (IndelibleError.is(error, 'schema_outdated')) return false;
    throw error;
  }
}
