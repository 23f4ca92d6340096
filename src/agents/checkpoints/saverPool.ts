import type { Pool, PoolClient, QueryResult } from 'pg';
import { breaksConnection, query, translated } from '../../store/postgres/connection.ts';

/** What LangGraph's saver does with a connection. */
export interface SaverConnection {
  query(text: string, values?: unknown[]): Promise<QueryResult>;
  release(): void;
}

/**
 * The connections as LangGraph's PostgreSQL saver asks for them. It hands every connection back as sound and knows no
 * timeouts; here one that broke or timed out is thrown away, so that no later call meets what is still at work on it, and
 * errors have a code of ours.
 */
export class SaverPool {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  query(text: string, values?: unknown[]): Promise<QueryResult> {
    return translated('cannot read checkpoints', () => query(this.#pool, { text }, values));
  }

  connect(): Promise<SaverConnection> {
    return translated('cannot store a checkpoint', async () => connection(await this.#pool.connect()));
  }
}

function connection(client: PoolClient): SaverConnection {
  let broken: { readonly by: unknown } | undefined;
  return {
    query: (text, values) =>
      translated('cannot store a checkpoint', async () => {
        // The saver's ROLLBACK: there is nobody to take it, and the transaction goes with the connection.
        if (broken !== undefined) throw broken.by;
        try {
          return await client.query(text, values);
        } catch (error) {
          if (breaksConnection(error)) broken = { by: error };
          throw error;
        }
      }),
    release: () => client.release(broken !== undefined),
  };
}
