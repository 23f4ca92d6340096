import { CommitListeners } from '../commitListeners.ts';
import type { CommitListener } from '../messageLog.ts';
import type { RecordListener } from '../recordHint.ts';
import { RecordListeners } from '../recordListeners.ts';
import type { Wake } from '../wake.ts';

/** Listens to other processes while anybody of this one wants to hear, on one connection for all kinds of hints. */
export class Hearing {
  readonly commits = new CommitListeners();
  readonly records = new RecordListeners();
  readonly #wake: Wake;
  #end: (() => void) | undefined;

  constructor(wake: Wake) {
    this.#wake = wake;
  }

  onCommit(listener: CommitListener): () => void {
    return this.#heard(this.commits.add(listener));
  }

  onRecord(listener: RecordListener): () => void {
    return this.#heard(this.records.add(listener));
  }

  stop(): void {
    this.#end?.();
    this.#end = undefined;
  }

  #heard(remove: () => void): () => void {
    this.#end ??= this.#wake.listen((commits) => this.commits.tell(commits), this.records.tell);
    return () => {
      remove();
      if (this.commits.size + this.records.size === 0) this.stop();
    };
  }
}
