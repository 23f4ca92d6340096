import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { RecordHint, RecordListener } from '../recordHint.ts';
import { RecordListeners } from '../recordListeners.ts';
import type { OtherProcesses } from './otherProcesses.ts';

/**
 * What other processes wrote beside the log of the same file. Every such write takes the next number, inside its
 * transaction, so a look that begins behind the last number it saw finds them all.
 */
export class RecordChanges {
  readonly #others: OtherProcesses;
  readonly #listeners = new RecordListeners();
  readonly #next: StatementSync;
  readonly #last: StatementSync;
  readonly #drafts: StatementSync;
  readonly #reads: StatementSync;
  #seen = 0;
  #unwatch: (() => void) | undefined;

  constructor(db: DatabaseSync, others: OtherProcesses) {
    this.#others = others;
    this.#next = db.prepare(
      `UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'record_changes' RETURNING value`,
    );
    this.#last = db.prepare(`SELECT value FROM meta WHERE key = 'record_changes'`);
    this.#drafts = db.prepare('SELECT DISTINCT plan_id FROM drafts WHERE changed > ?');
    this.#reads = db.prepare('SELECT plan_id, user_id FROM read_positions WHERE changed > ?');
  }

  /** The number of a write. Call it within the transaction. */
  next(): number {
    return Number(this.#next.get()?.['value']);
  }

  onChange(listener: RecordListener): () => void {
    const remove = this.#listeners.add(listener);
    if (this.#listeners.size === 1) {
      this.#seen = this.#read(() => this.#latest()) ?? 0;
      this.#unwatch = this.#others.onCommit(() => this.#look());
    }
    return () => {
      remove();
      if (this.#listeners.size === 0) this.#unwatch?.();
    };
  }

  #look(): void {
    const hints = this.#read(() => {
      const behind = this.#seen;
      const latest = this.#latest();
      if (latest === behind) return [];
      const drafts = this.#drafts.all(behind) as unknown as { plan_id: string }[];
      const reads = this.#reads.all(behind) as unknown as { plan_id: string; user_id: string }[];
      this.#seen = latest;
      return [
        ...drafts.map(({ plan_id }): RecordHint => ({ kind: 'draft', planId: plan_id })),
        ...reads.map(({ plan_id, user_id }): RecordHint => {
          return { kind: 'read', planId: plan_id, userId: JSON.parse(user_id) as string };
        }),
      ];
    });
    this.#listeners.tell(hints ?? []);
  }

  #latest(): number {
    return Number(this.#last.get()?.['value']);
  }

  /** A look that fails is made up for by the next one. */
  #read<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch {
      return undefined;
    }
  }
}
