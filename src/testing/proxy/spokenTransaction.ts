const begins = /^\s*(begin|start\s+transaction)\b/i;
const ends = /(^|;)\s*(commit|end)(\s+(work|transaction))?\s*;?\s*$/i;

/**
 * The transaction of one connection, as far as can be told from what the client says and the state in which the server
 * says it is: which statements it has, and which request commits it.
 */
export class SpokenTransaction {
  readonly #prepared = new Map<string, string>();
  readonly #portals = new Map<string, string>();
  /** `I`: none. `T`: in one. `E`: in one that failed. */
  #state: 'I' | 'T' | 'E' = 'I';
  /** Statements of the open transaction. */
  #statements: string[] = [];
  /** Executed since the last sync. */
  #executed: string[] = [];

  prepares(name: string, sql: string): void {
    this.#prepared.set(name, sql);
  }

  binds(portal: string, name: string): void {
    this.#portals.set(portal, this.#prepared.get(name) ?? '');
  }

  executes(portal: string): void {
    this.#executed.push(this.#portals.get(portal) ?? '');
  }

  /** The statements that this commits, if it does. */
  queries(sql: string): readonly string[] | undefined {
    return this.#asked([sql]);
  }

  /** The statements that this commits, if it does: outside of a transaction it commits what was executed before it. */
  syncs(): readonly string[] | undefined {
    return this.#asked(this.#executed.splice(0));
  }

  /** The server is ready for the next request, in this state. */
  is(state: 'I' | 'T' | 'E'): void {
    this.#state = state;
    if (state === 'I') this.#statements = [];
  }

  #asked(statements: readonly string[]): readonly string[] | undefined {
    const [first] = statements;
    const last = statements.at(-1);
    if (first === undefined || last === undefined || this.#state === 'E') return undefined;
    const isCommitted = ends.test(last);
    if (this.#state === 'I' && !begins.test(first)) return statements;
    this.#statements.push(...statements);
    return isCommitted ? this.#statements : undefined;
  }
}
