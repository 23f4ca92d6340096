import { statSync } from 'node:fs';
import { IndelibleError } from '../../protocol/errors.ts';

/**
 * That a path still names the file that is open. SQLite goes on with a file that was removed, replaced or emptied under
 * it, and what it then commits is gone with the process; asked before each write, so that such a write is not acknowledged.
 */
export class FileIdentity {
  readonly #path: string;
  readonly #identity: string;

  constructor(path: string) {
    this.#path = path;
    this.#identity = identityOf(path);
  }

  /** @throws IndelibleError `spool_unavailable` */
  check(): void {
    if (identityOf(this.#path) === this.#identity) return;
    const message = `${this.#path} was removed, replaced or emptied while it was open; put it back, or restart`;
    throw new IndelibleError('spool_unavailable', { message });
  }
}

function identityOf(path: string): string {
  const file = statSync(path, { throwIfNoEntry: false });
  return file === undefined ? 'none' : `${file.dev}:${file.ino}:${file.size > 0}`;
}
