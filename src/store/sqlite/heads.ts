import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** How far one plan's log goes. Mutable: counted up inside the write transaction. */
export interface Head {
  /** The plan's row key. */
  readonly plan: number;
  sequence: number;
  revision: number;
}

const maxRemembered = 10_000;

/**
 * The plans' heads, remembered between transactions. Sound although other processes write to the same file: SQLite's
 * `data_version` changes when any other connection commits, and then everything remembered is dropped. Use inside a
 * write transaction; call {@link forget} when one was rolled back.
 */
export class Heads {
  readonly #remembered = new Map<string, Head>();
  readonly #dataVersion: StatementSync;
  readonly #select: StatementSync;
  readonly #insert: StatementSync;
  readonly #save: StatementSync;
  #seenDataVersion: unknown;

  constructor(db: DatabaseSync) {
    this.#dataVersion = db.prepare('PRAGMA data_version');
    this.#select = db.prepare('SELECT plan, sequence, revision FROM heads WHERE plan_id = ?');
    this.#insert = db.prepare('INSERT INTO heads (plan_id, sequence, revision, created_at) VALUES (?, 0, 0, ?)');
    this.#save = db.prepare('UPDATE heads SET sequence = ?, revision = ? WHERE plan = ?');
  }

  /** Call at the start of each write transaction. */
  refresh(): void {
    const version = this.#dataVersion.get()?.['data_version'];
    if (version !== this.#seenDataVersion || this.#remembered.size > maxRemembered) this.#remembered.clear();
    this.#seenDataVersion = version;
  }

  forget(): void {
    this.#remembered.clear();
  }

  find(planId: string): Head | undefined {
    const remembered = this.#remembered.get(planId);
    if (remembered !== undefined) return remembered;
    const row = this.#select.get(planId) as unknown as Head | undefined;
    if (row === undefined) return undefined;
    const head: Head = { plan: row.plan, sequence: row.sequence, revision: row.revision };
    this.#remembered.set(planId, head);
    return head;
  }

  findOrCreate(planId: string): Head {
    const found = this.find(planId);
    if (found !== undefined) return found;
    const { lastInsertRowid } = this.#insert.run(planId, new Date().toISOString());
    const head: Head = { plan: Number(lastInsertRowid), sequence: 0, revision: 0 };
    this.#remembered.set(planId, head);
    return head;
  }

  save(head: Head): void {
    this.#save.run(head.sequence, head.revision, head.plan);
  }
}
