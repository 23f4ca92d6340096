import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { whatStays } from '../trimmedMessage.ts';

/** Messages, and characters of bodies, of one transaction: it holds up this thread and other writers. */
const maxMessages = 1_000;
const maxSize = 16 * 1024 * 1024;

/** Trims step by step; each step is to run in a transaction of its own. */
export class Trim {
  readonly #head: StatementSync;
  readonly #body: StatementSync;
  readonly #forget: StatementSync;
  readonly #save: StatementSync;

  constructor(db: DatabaseSync) {
    this.#head = db.prepare('SELECT plan, sequence, trimmed FROM heads WHERE plan_id = ?');
    this.#body = db.prepare('SELECT body FROM messages WHERE plan = ? AND sequence = ?');
    this.#forget = db.prepare('UPDATE messages SET revision = 0, body = ? WHERE plan = ? AND sequence = ?');
    this.#save = db.prepare('UPDATE heads SET trimmed = ? WHERE plan = ?');
  }

  /** Up to where the plan is trimmed behind it, and whether that is all that was wanted. */
  step(planId: string, upTo: number): { readonly trimmed: number; readonly done: boolean } {
    const head = this.#head.get(planId) as { plan: number; sequence: number; trimmed: number } | undefined;
    if (head === undefined) return { trimmed: 0, done: true };
    const { plan, sequence, trimmed } = head;
    const wanted = Math.min(upTo, sequence);
    if (wanted <= trimmed) return { trimmed, done: true };
    let end = trimmed;
    let size = 0;
    while (end < wanted && end - trimmed < maxMessages && size < maxSize) {
      end++;
      const { body } = this.#body.get(plan, end) as { body: string };
      this.#forget.run(whatStays(body), plan, end);
      size += body.length;
    }
    this.#save.run(end, plan);
    return { trimmed: end, done: end >= wanted };
  }
}
