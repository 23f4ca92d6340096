import { type Indelible, type IndelibleOptions, openIndelible } from '../agents/indelible.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { Store } from '../store/store.ts';
import { withRemedy } from './remedy.ts';
import { byteSize, type Setting, spoolSetting } from './settings.ts';

export interface SpoolOptions {
  /** A file; false: none. */
  readonly spool?: string | false;
  readonly spoolMax?: string;
}

const defaultMax = '1GiB';

/**
 * The log on a store that is open, with the spool that was named or the one beside the store.
 *
 * @throws IndelibleError `invalid_config`, `spool_in_use`, `spool_unavailable`, `spool_damaged`
 */
export async function openLog(
  store: Store,
  address: Setting,
  options: SpoolOptions,
  environment: NodeJS.ProcessEnv,
  logger?: IndelibleOptions['logger'],
): Promise<Indelible> {
  try {
    const maxBytes = byteSize(options.spoolMax ?? defaultMax, '--spool-max');
    const named = options.spool === false ? undefined : spoolSetting(options.spool, environment);
    const spool = options.spool === false ? (false as const) : named?.value;
    const where = { spool, spoolMaxBytes: maxBytes, spoolBeside: address.value };
    return await openIndelible({ store, ...where, ...(logger && { logger }) });
  } catch (error) {
    await store.close();
    if (!IndelibleError.is(error, 'spool_unavailable')) throw error;
    throw withRemedy(
      error,
      'Name a file that can be written, with `--spool` or INDELIBLE_SPOOL, or give `--no-spool`.',
    );
  }
}
