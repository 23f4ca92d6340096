import type { DatabaseSync } from 'node:sqlite';

/** How late a commit of another process may be noticed, in ms. */
const pollMs = 200;

/**
 * Notices commits that other processes make to the same file (`indelible run` beside `indelible serve`). SQLite has no
 * notification between processes; `PRAGMA data_version` costs a look into shared memory, and only while someone watches.
 */
export class OtherProcesses {
  readonly #listeners = new Set<() => void>();
  readonly #version: () => unknown;
  #timer: NodeJS.Timeout | undefined;

  constructor(db: DatabaseSync) {
    const statement = db.prepare('PRAGMA data_version');
    this.#version = () => statement.get()?.['data_version'];
  }

  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#timer ??= this.#poll();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #poll(): NodeJS.Timeout {
    let seen = this.#version();
    const timer = setInterval(() => {
      const version = this.#read() ?? seen;
      if (version === seen) return;
      seen = version;
      for (const listener of this.#listeners) listener();
    }, pollMs);
    return timer.unref();
  }

  /** A look that fails is made up for by the next one. */
  #read(): unknown {
    try {
      return this.#version();
    } catch {
      return undefined;
    }
  }
}
