/**
 * When a connection is cut, seen from the commit of a transaction. `before`: the request to commit does not reach the
 * server. `within`: it does, and nobody hears what became of it. `after`: it was committed, and the client is not told.
 */
export type CutMoment = 'before' | 'within' | 'after';

export interface Cut {
  readonly moment: CutMoment;
  /** The statements of the transaction, as far as they went over this connection. */
  readonly statements: readonly string[];
}

export interface PlannedCut {
  readonly moment: CutMoment;
  readonly matches: (sql: string) => boolean;
  readonly done: (cut: Cut | undefined) => void;
}

/** The cuts that are to come, shared by all connections of a proxy. Each is made once, the first planned first. */
export class PlannedCuts {
  #planned: PlannedCut[] = [];

  plan(moment: CutMoment, matches: (sql: string) => boolean): Promise<Cut | undefined> {
    return new Promise((done) => this.#planned.push({ moment, matches, done }));
  }

  /** The cut for a transaction with these statements, which is then no longer planned. */
  take(statements: readonly string[]): PlannedCut | undefined {
    const index = this.#planned.findIndex(({ matches }) => statements.some(matches));
    return index < 0 ? undefined : this.#planned.splice(index, 1)[0];
  }

  /** It could not be made: the transaction was not committed. */
  putBack(cut: PlannedCut): void {
    this.#planned.unshift(cut);
  }

  /** None of them will be made. */
  cancel(): void {
    for (const { done } of this.#planned.splice(0)) done(undefined);
  }
}

const writing = /\b(insert\s+into|update\s+\S+|delete\s+from|merge\s+into|copy\b.*\bfrom)\b/is;
const locking = /\bfor\s+(no\s+key\s+)?update\b/gi;

/** Whether a statement looks like one that writes. */
export function writes(sql: string): boolean {
  return writing.test(sql.replace(locking, ''));
}
