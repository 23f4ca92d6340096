import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { IndelibleError } from '../../protocol/errors.ts';

/**
 * The file behind a connection. SQLite goes on with a file that was removed, replaced or emptied under it, and what it
 * then commits is gone with the process. Asked before each write, so that such a write is not acknowledged; a file that
 * is put back is taken up again.
 */
export class DatabaseFile {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #identity: string | undefined;

  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
    this.#identity = path === ':memory:' ? undefined : this.#look();
  }

  /** @throws IndelibleError `service_closed`, or `store_unavailable` if the path is no longer the file that is open */
  check(): void {
    if (!this.#db.isOpen) throw new IndelibleError('service_closed', { message: 'the store was closed' });
    if (this.#identity === undefined || this.#look() === this.#identity) return;
    const message = `${this.#path} was removed, replaced or emptied while it was open; put it back, or restart`;
    throw new IndelibleError('store_unavailable', { message });
  }

  /** What names the file at the path now. An emptied file is another one. */
  #look(): string {
    const file = statSync(this.#path, { throwIfNoEntry: false });
    return file === undefined || file.size === 0 ? 'none' : `${file.dev}:${file.ino}`;
  }
}
