import type { Clock } from '../resilience/clock.ts';
import type { PlanContents, PlanCursor } from './planContents.ts';
import type { PlanGap, PlanMessage } from './planMessage.ts';

/**
 * Where plans are kept from one page to the next: `sessionStorage` and `localStorage` fit, and whatever keeps text under
 * a key, at once or by promise. `setItem` must put the whole text in the place of the old one, or fail.
 */
export interface PlanStorage {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, text: string): unknown;
}

/** A change is kept so much later, with all that came meanwhile. */
const keepAfterMs = 1_000;
const form = 1;

/**
 * One plan's place in a storage. A cursor is kept only together with the messages before it, as one text: whoever reads
 * on behind it can show them. (A cursor alone would be a silent gap: the server would not send them again.)
 *
 * What is kept is what the client had some time ago; it is never wrong, only older. A storage that fails is not asked
 * again for this plan, and the client goes on from memory.
 */
export class KeptPlan {
  readonly #storage: PlanStorage;
  readonly #key: string;
  readonly #contents: PlanContents;
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  #broken = false;
  #endWait: (() => void) | undefined;
  #writing: Promise<unknown> | undefined;
  #writeAgain = false;

  constructor(
    storage: PlanStorage,
    key: string,
    contents: PlanContents,
    clock: Clock,
    failed: (error: unknown) => void,
  ) {
    this.#storage = storage;
    this.#key = key;
    this.#contents = contents;
    this.#clock = clock;
    this.#failed = failed;
  }

  /** Puts what is kept into the contents, which hold nothing yet. A promise only if the storage answers one. */
  load(): void | Promise<void> {
    try {
      const kept = this.#storage.getItem(this.#key);
      if (kept === null || typeof kept === 'string') return this.#restore(kept);
      return kept.then(
        (text) => this.#restore(text),
        (error: unknown) => this.#break(error),
      );
    } catch (error) {
      this.#break(error);
    }
  }

  /** The contents have another cursor. */
  changed(): void {
    if (!this.#broken) this.#endWait ??= this.#clock.schedule(keepAfterMs, () => this.flush(), 'background');
  }

  /** Keeps now what is to be kept. */
  flush(): void {
    if (this.#endWait === undefined) return;
    this.#endWait();
    this.#endWait = undefined;
    if (this.#writing === undefined) this.#write();
    else this.#writeAgain = true;
  }

  #write(): void {
    const { cursor, run } = this.#contents;
    if (cursor === undefined) return;
    try {
      const written = this.#storage.setItem(
        this.#key,
        JSON.stringify({ form, cursor, messages: run.messages, gaps: run.gaps } satisfies Kept),
      );
      if (written instanceof Promise) this.#writing = written.catch((error) => this.#break(error)).then(this.#written);
    } catch (error) {
      this.#break(error);
    }
  }

  readonly #written = (): void => {
    this.#writing = undefined;
    if (this.#writeAgain && !this.#broken) this.#write();
    this.#writeAgain = false;
  };

  #restore(text: string | null): void {
    try {
      const kept = JSON.parse(text ?? 'null') as Kept | null;
      if (kept?.form === form) this.#contents.restore(kept.messages, kept.gaps, kept.cursor);
    } catch {
      this.#contents.clear(); // It was not written here.
    }
  }

  #break(error: unknown): void {
    this.#broken = true;
    this.#failed(error);
  }
}

interface Kept {
  readonly form: typeof form;
  readonly cursor: PlanCursor;
  readonly messages: readonly PlanMessage[];
  readonly gaps: readonly PlanGap[];
}
