import type { Connection, PoolClient, Submittable } from 'pg';

/** Takes one piece of what a COPY sends. Its bytes are good during the call only. */
export type CopyTaker = (piece: Buffer) => void;

/**
 * Runs a `COPY … TO STDOUT` and hands on what it sends as it comes. It is the way to get bytes out of PostgreSQL through
 * `pg`, which makes strings of everything else. The statement takes no parameters: what it names must be quoted.
 */
export function copyOut(client: PoolClient, statement: string, take: CopyTaker): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyOut(statement, take, (error) => (error ? reject(error) : resolve())));
  });
}

/** As `pg` calls it: a time limit is put around `callback`, and what comes after it has been called is dropped. */
class CopyOut implements Submittable {
  readonly #statement: string;
  readonly #take: CopyTaker;
  #over = false;
  callback: (error?: Error | null) => void;

  constructor(statement: string, take: CopyTaker, callback: (error?: Error | null) => void) {
    this.#statement = statement;
    this.#take = take;
    this.callback = callback;
  }

  submit(connection: Connection): void {
    connection.query(this.#statement);
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    if (this.#over) return;
    try {
      this.#take(chunk);
    } catch (error) {
      this.handleError(error as Error);
    }
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#end(null);
  }

  handleError(error: Error): void {
    this.#end(error);
  }

  #end(error: Error | null): void {
    if (this.#over) return;
    this.#over = true;
    this.callback(error);
  }
}
