import { DatabaseSync } from 'node:sqlite';
import { IndelibleError } from '../../protocol/errors.ts';
import { createPrivately } from '../../store/sqlite/privateFile.ts';
import { FileIdentity } from './fileIdentity.ts';
import { isBusy, spoolFailure } from './spoolFailure.ts';

/**
 * Ownership of a spool for as long as this object lives: the RESERVED lock of a transaction on an empty SQLite file
 * beside it, which never ends. The system takes the lock back when the process dies, of whatever, so there is nothing to
 * clean up and no process id to mistake. Of many who try at once exactly one gets it, and SQLite refuses a second one
 * within the same process too.
 *
 * What would break it: removing the file (the next one locks another of the same name, so it is checked for), or opening
 * and closing it in this process other than through SQLite, which gives up all POSIX locks of the process on it.
 */
export class SpoolOwner {
  readonly #db: DatabaseSync;
  readonly #file: FileIdentity;

  /** @throws IndelibleError `spool_in_use` at once if somebody else has it, `spool_unavailable` */
  constructor(spoolPath: string) {
    const path = `${spoolPath}.owner`;
    try {
      createPrivately(path);
      this.#db = new DatabaseSync(path);
    } catch (error) {
      throw spoolFailure(`cannot own ${spoolPath}`, error);
    }
    try {
      this.#db.exec('PRAGMA busy_timeout = 0; BEGIN IMMEDIATE');
      this.#file = new FileIdentity(path);
    } catch (error) {
      this.#db.close();
      if (!isBusy(error)) throw spoolFailure(`cannot own ${spoolPath}`, error);
      const message = `the spool ${spoolPath} belongs to another service, in this process or another one`;
      throw new IndelibleError('spool_in_use', { message });
    }
  }

  /** @throws IndelibleError `spool_unavailable` if the lock's file is no longer the one that is locked */
  check(): void {
    this.#file.check();
  }

  release(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}
