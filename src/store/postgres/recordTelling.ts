import { encodeRecordHint, joinHints, type RecordHint } from '../recordHint.ts';
import type { Wake } from '../wake.ts';
import type { CommitTelling } from './commitTelling.ts';

/** How writes of records tell other processes of themselves: within their statement, or behind it. */
export class RecordTelling {
  readonly #wake: Wake;
  readonly #commits: CommitTelling;

  constructor(wake: Wake, commits: CommitTelling) {
    this.#wake = wake;
    this.#commits = commits;
  }

  /** `write` is given the texts that its statement is to notify of. */
  async during<T>(changes: readonly RecordHint[], write: (hints: readonly string[]) => Promise<T>): Promise<T> {
    const result = await this.#commits.during(() =>
      write(this.#commits.now ? joinHints(changes.map(encodeRecordHint)) : []),
    );
    this.#wake.announceRecords?.(changes);
    return result;
  }
}
