import type { Pool } from 'pg';
import type { PreparedMessage, StoredMessage } from '../../src/protocol/message.ts';
import type { LogPosition } from '../../src/store/messageLog.ts';
import type { NumberedLog } from './gaplessReaders.ts';

interface Row {
  readonly id: string;
  readonly message_id: string;
  readonly body: string;
}

/**
 * What must not be: a log of one plan whose numbers are a `bigserial`, given out before the commit. Whoever reads on
 * behind the last number it saw passes a slower writer and never looks back.
 */
export class SerialLog implements NumberedLog {
  static readonly table = 'CREATE TABLE serial_log (id bigserial PRIMARY KEY, message_id text UNIQUE, body text)';
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async append(batch: readonly PreparedMessage[]) {
    const { rows } = await this.#pool.query<Row>(
      'INSERT INTO serial_log (message_id, body) SELECT * FROM unnest($1::text[], $2::text[]) RETURNING *',
      [batch.map(({ messageId }) => messageId), batch.map(({ body }) => body)],
    );
    return rows.map((row) => ({ status: 'stored', message: toStored('plan', row) }) as const);
  }

  async read(planId: string, after: LogPosition, limit: number) {
    const { rows } = await this.#pool.query<Row>('SELECT * FROM serial_log WHERE id > $1 ORDER BY id LIMIT $2', [
      after.sequence,
      limit,
    ]);
    const messages = rows.map((row) => toStored(planId, row));
    const sequence = messages.at(-1)?.sequence ?? after.sequence;
    return { messages, updates: [], position: { ...after, sequence }, more: rows.length === limit, trimmed: 0 };
  }
}

function toStored(planId: string, { id, message_id, body }: Row): StoredMessage {
  return { planId, messageId: message_id, sequence: Number(id), version: 1, revision: 0, body };
}
