import { IndelibleError } from '../protocol/errors.ts';
import { openStore } from '../store/openStore.ts';
import type { Store } from '../store/store.ts';
import { misplaced } from './misplaced.ts';
import { withRemedy } from './remedy.ts';

/** A value and where it was given, so that an error can name the option or the variable to change. */
export interface Setting {
  readonly value: string;
  readonly field: string;
}

export const defaults = { host: '127.0.0.1', port: '4000', store: 'sqlite:./indelible.db' } as const;

const variables = { host: 'HOST', port: 'PORT', store: 'INDELIBLE_STORE' } as const;

/** An option wins over its environment variable, that over the default. An empty variable is none. */
export function setting(
  name: keyof typeof variables,
  option: string | undefined,
  environment: NodeJS.ProcessEnv,
): Setting {
  if (option !== undefined) return { value: option, field: `--${name}` };
  const variable = variables[name];
  return { value: environment[variable] || defaults[name], field: variable };
}

/** Where the spool was named, if it was: else it is at its default place, which depends on the store. */
export function spoolSetting(option: string | undefined, environment: NodeJS.ProcessEnv): Setting | undefined {
  if (option !== undefined) return { value: option, field: '--spool' };
  const value = environment['INDELIBLE_SPOOL'];
  return value ? { value, field: 'INDELIBLE_SPOOL' } : undefined;
}

/** @throws IndelibleError `invalid_config` */
export function portNumber({ value, field }: Setting): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  if (port <= 65_535) return port;
  throw invalidSetting(field, `is ${JSON.stringify(value)}; it must be a port number from 0 (any free one) to 65535`);
}

/** A whole number from 1. @throws IndelibleError `invalid_config` */
export function count(value: string, field: string): number {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (number > 0) return number;
  throw invalidSetting(field, `is ${JSON.stringify(value)}; it must be a whole number from 1`);
}

export function invalidSetting(field: string, what: string, cause?: unknown): IndelibleError {
  return new IndelibleError('invalid_config', { message: `${field} ${what}`, field, cause });
}

const units = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 } as const;

/** A size as 500M, 2GiB or 1000000, in bytes. @throws IndelibleError `invalid_config` */
export function byteSize(value: string, field: string): number {
  const [, digits, unit] = /^(\d{1,12})([KMG]?)(?:iB|B)?$/i.exec(value) ?? [];
  const size = Number(digits) * units[(unit ?? '').toUpperCase() as keyof typeof units];
  if (size > 0) return size;
  throw invalidSetting(field, `is ${JSON.stringify(value)}; it must be a size as 500M or 2GiB`);
}

/** The file of a `sqlite:` address; undefined for other addresses, and for a database in memory. */
export function sqliteFile({ value }: Setting): string | undefined {
  const path = value.startsWith('sqlite:') ? value.slice('sqlite:'.length) : '';
  return path === '' || path === ':memory:' ? undefined : path;
}

/**
 * Opens the store that was named, with the `INDELIBLE_WAKE` of the environment.
 *
 * @throws IndelibleError as {@link openStore}, naming where the address was given
 */
export async function openNamedStore(
  named: Setting,
  environment: NodeJS.ProcessEnv,
  { migrate }: { readonly migrate: boolean } = { migrate: true },
): Promise<Store> {
  const { value, field } = named;
  const wake = environment['INDELIBLE_WAKE'];
  try {
    return await openStore(value, wake ? { migrate, wake } : { migrate });
  } catch (error) {
    const path = sqliteFile(named);
    const isPlace = IndelibleError.is(error, 'store_refused') || IndelibleError.is(error, 'store_unavailable');
    if (path !== undefined && isPlace) throw misplaced(path, field, error) ?? error;
    if (isPlace && lacksRight(error.cause)) {
      throw withRemedy(
        error,
        'Give this role the rights it needs, or run `indelible migrate` with one that has them: docs/scaling.md, Roles.',
      );
    }
    if (!IndelibleError.is(error, 'invalid_config') || error.field === 'INDELIBLE_WAKE') throw error;
    // The address itself is not repeated: it may hold a password.
    throw invalidSetting(field, `cannot be used: ${error.message}`);
  }
}

/** Whether it is PostgreSQL's `insufficient_privilege`. */
function lacksRight(cause: unknown): boolean {
  return cause instanceof Error && (cause as NodeJS.ErrnoException).code === '42501';
}
