import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

let made = 0;

/** Runs `action` with the path of a database file that does not exist yet; what it left there is removed. */
export async function withDatabaseFile<T>(directory: string, action: (path: string) => T | Promise<T>): Promise<T> {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${process.pid}-${++made}.db`);
  try {
    return await action(path);
  } finally {
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  }
}
