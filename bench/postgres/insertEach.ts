import { Pool } from 'pg';
import { prepareMessage } from '../../src/protocol/message.ts';
import type { Save } from '../loads.ts';

const insert = {
  name: 'insert_each',
  text: `INSERT INTO indelible.messages (plan_id, sequence, message_id, version, revision, body)
    VALUES ($1, $2, $3, 1, 0, $4)`,
};

/**
 * One INSERT, and so one transaction, for each message: the same table, encoding and number of connections as the
 * product, prepared, but no head row. Places are counted here, which is sound only while nobody else writes.
 */
export class InsertEach {
  readonly #pool: Pool;
  readonly #sequences = new Map<string, number>();

  constructor(url: string) {
    this.#pool = new Pool({ connectionString: url, max: 10 });
  }

  readonly save: Save = async (message) => {
    const prepared = prepareMessage(message, { now: Date.now });
    const { planId, messageId, body } = prepared;
    const sequence = (this.#sequences.get(planId) ?? 0) + 1;
    this.#sequences.set(planId, sequence);
    await this.#pool.query({ ...insert, values: [planId, sequence, messageId, body] });
    return {
      status: 'stored',
      message: { ...prepared, sequence, version: 1, revision: 0 },
      duplicate: false,
      retries: 0,
    };
  };

  close(): Promise<void> {
    return this.#pool.end();
  }
}
