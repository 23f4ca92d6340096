import type { Pool } from 'pg';
import { contentStart, fingerprintLength } from '../trimmedMessage.ts';
import { inTransaction } from './connection.ts';

/** Messages, and bytes of bodies as they lie in the table, of one transaction: its statements must end in time. */
const maxMessages = 2_000;
const maxSize = 64 * 1024 * 1024;

/** $1 plan id. */
const lockHead = {
  name: 'indelible_trim_lock',
  text: 'SELECT sequence, trimmed FROM indelible.heads WHERE plan_id = $1 FOR UPDATE',
};

/** $1 plan id, $2 behind, $3 up to, $4 messages, $5 bytes: where a step ends. */
const endOfStep = {
  name: 'indelible_trim_step',
  text: `
  SELECT max(sequence) AS upto FROM (
    SELECT sequence, row_number() OVER (ORDER BY sequence) AS place,
           sum(pg_column_size(body)) OVER (ORDER BY sequence) AS size
    FROM (
      SELECT sequence, body FROM indelible.messages
      WHERE plan_id = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence LIMIT $4
    ) AS next
  ) AS sized WHERE size <= $5 OR place = 1`,
};

/** As `whatStays` says it. $1 plan id, $2 behind, $3 up to. */
const forget = {
  name: 'indelible_trim',
  text: `
  UPDATE indelible.messages SET revision = 0, body = to_json(
    left(encode(sha256(convert_to(substr(body, ${contentStart + 1}), 'UTF8')), 'hex'), ${fingerprintLength})
  )::text
  WHERE plan_id = $1 AND sequence > $2 AND sequence <= $3`,
};

/** $1 plan id, $2 up to. */
const saveHead = {
  name: 'indelible_trim_head',
  text: 'UPDATE indelible.heads SET trimmed = $2 WHERE plan_id = $1',
};

/** Trims step by step, each in a transaction of its own under the head's lock; answers up to where it is trimmed. */
export async function trim(pool: Pool, planId: string, upTo: number): Promise<number> {
  for (;;) {
    const { trimmed, done } = await step(pool, planId, upTo);
    if (done) return trimmed;
  }
}

function step(pool: Pool, planId: string, upTo: number): Promise<{ trimmed: number; done: boolean }> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ sequence: number; trimmed: number }>({ ...lockHead, values: [planId] });
    const { sequence = 0, trimmed = 0 } = rows[0] ?? {};
    const wanted = Math.min(upTo, sequence);
    if (wanted <= trimmed) return { trimmed, done: true };
    const values = [planId, trimmed, wanted, maxMessages, maxSize];
    const found = await client.query<{ upto: number | null }>({ ...endOfStep, values });
    const end = found.rows[0]?.upto ?? wanted;
    await client.query({ ...forget, values: [planId, trimmed, end] });
    await client.query({ ...saveHead, values: [planId, end] });
    return { trimmed: end, done: end >= wanted };
  });
}
