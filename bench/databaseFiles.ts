import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Of the database, and of the spool beside it. */
const suffixes = ['', '-wal', '-shm', '.spool', '.spool-wal', '.spool-shm', '.spool.owner'];

let made = 0;

/** Runs `action` with paths of database files that do not exist yet; what it left there is removed. */
export async function withDatabaseFiles<T>(
  directory: string,
  action: (newPath: () => string) => T | Promise<T>,
): Promise<T> {
  mkdirSync(directory, { recursive: true });
  const paths: string[] = [];
  try {
    return await action(() => {
      const path = join(directory, `${process.pid}-${++made}.db`);
      paths.push(path);
      return path;
    });
  } finally {
    for (const path of paths) for (const suffix of suffixes) rmSync(path + suffix, { force: true });
  }
}
