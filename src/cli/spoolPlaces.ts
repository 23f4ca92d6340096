import { existsSync } from 'node:fs';
import { defaultSpoolPath, defaultSpoolPaths } from '../persistence/spool/defaultSpool.ts';
import { type AsideRecord, SpoolDesk } from '../persistence/spool/spoolDesk.ts';
import { IndelibleError } from '../protocol/errors.ts';
import { withRemedy } from './remedy.ts';
import { invalidSetting, setting, spoolSetting } from './settings.ts';

export interface SpoolPlaceOptions {
  readonly store?: string;
  readonly spool?: string;
}

/**
 * The spools that a command is about: the one that was named, or all that are at the default place of the store. None at
 * the default place is no error: nothing was ever spooled there.
 *
 * @throws IndelibleError `invalid_config` if the named one is not there
 */
export function spoolPaths(options: SpoolPlaceOptions, environment: NodeJS.ProcessEnv): readonly string[] {
  const named = spoolSetting(options.spool, environment);
  if (named !== undefined) {
    if (existsSync(named.value)) return [named.value];
    const { value, field } = named;
    const error = new IndelibleError('invalid_config', { message: `there is no spool at ${value} (${field})`, field });
    throw withRemedy(error, 'Check the path, and the folder the command is given in.');
  }
  const base = defaultSpoolPath(setting('store', options.store, environment).value);
  return base === undefined ? [] : defaultSpoolPaths(base).filter((path) => existsSync(path));
}

/** Records that are set aside in one spool, and their number in all. */
interface Chosen {
  readonly desk: SpoolDesk;
  readonly records: readonly AsideRecord[];
}

/**
 * Opens the spools, finds the records that are set aside and that the call names, and hands them to `action`.
 *
 * @throws IndelibleError `message_not_found` if one of the messages is not set aside anywhere: nothing is done then;
 *   `invalid_config` if the call names none, or some and all
 */
export async function withChosen<T>(
  messageIds: readonly string[],
  options: SpoolPlaceOptions & { readonly all?: boolean },
  environment: NodeJS.ProcessEnv,
  action: (chosen: readonly Chosen[]) => Promise<T> | T,
): Promise<T> {
  if (options.all ? messageIds.length > 0 : messageIds.length === 0) {
    throw invalidSetting('messages', 'must be ids of messages, or --all instead of them');
  }
  const desks: SpoolDesk[] = [];
  try {
    for (const path of spoolPaths(options, environment)) desks.push(new SpoolDesk(path));
    const wanted = new Set(messageIds);
    const chosen = desks.map((desk) => {
      const { aside } = desk.overview();
      return { desk, records: options.all ? aside : aside.filter(({ messageId }) => wanted.has(messageId)) };
    });
    const found = new Set(chosen.flatMap(({ records }) => records.map(({ messageId }) => messageId)));
    const missing = messageIds.find((id) => !found.has(id));
    if (missing === undefined) return await action(chosen);
    const message = `no message ${missing} is set aside in the spool; one that waits there goes into the database by itself`;
    const error = new IndelibleError('message_not_found', { message, field: 'messages' });
    throw withRemedy(error, '`indelible spool list` shows what is set aside.');
  } finally {
    for (const desk of desks) desk.close();
  }
}
