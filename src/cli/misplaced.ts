import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { IndelibleError } from '../protocol/errors.ts';
import { withRemedy } from './remedy.ts';

/**
 * What is wrong with the place of a database file that could not be opened, where its place is what is wrong: a
 * directory, a path through a file, a place that may not be written. SQLite says of each only that it cannot open it.
 */
export function misplaced(path: string, field: string, cause: unknown): IndelibleError | undefined {
  const file = resolve(path);
  if (existsSync(file)) {
    if (statSync(file).isDirectory()) {
      const message = `${field}: ${path} is a directory, not the file of a database`;
      const error = new IndelibleError('invalid_config', { message, field, cause });
      return withRemedy(error, 'Give the path of a file, as sqlite:./indelible.db.');
    }
    if (!isWritable(file)) return notWritable(`${field}: ${path} is not writable`, field, cause);
  }
  let folder = dirname(file);
  while (!existsSync(folder)) folder = dirname(folder);
  if (!statSync(folder).isDirectory()) {
    const message = `${field}: there can be no ${path}: ${folder} is not a directory`;
    const error = new IndelibleError('invalid_config', { message, field, cause });
    return withRemedy(error, 'Give the path of a file in a directory, as sqlite:./indelible.db.');
  }
  if (!isWritable(folder)) return notWritable(`${field}: the directory ${folder} is not writable`, field, cause);
  return undefined;
}

function notWritable(message: string, field: string, cause: unknown): IndelibleError {
  const error = new IndelibleError('store_refused', { message, field, cause });
  return withRemedy(error, 'Let this user write the file and its directory, or name another place with `--store`.');
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
