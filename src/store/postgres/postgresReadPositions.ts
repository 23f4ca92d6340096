import type { Pool } from 'pg';
import type { ReadPositions, Unread } from '../readPositions.ts';
import { query, translated } from './connection.ts';
import type { RecordTelling } from './recordTelling.ts';

/** $1 user id, $2 plan id, $3 sequence, $4 hints. */
const advance = {
  name: 'indelible_advance',
  text: `
  WITH moved AS (
    INSERT INTO indelible.read_positions AS position (plan_id, user_id, sequence)
    SELECT plan_id, $1, greatest(least($3::bigint, sequence), 0) FROM indelible.heads WHERE plan_id = $2
    ON CONFLICT (plan_id, user_id) DO UPDATE SET sequence = greatest(position.sequence, excluded.sequence)
    RETURNING sequence
  ), told AS MATERIALIZED (
    SELECT pg_notify('indelible', hint) FROM moved, unnest($4::text[]) AS hint
  )
  SELECT sequence, (SELECT count(*) FROM told) AS told FROM moved`,
};

/** $1 user id, $2 plan ids. */
const unread = {
  name: 'indelible_unread',
  text: `
  SELECT plan_id, least(coalesce(position.sequence, 0), head.sequence) AS read,
         head.sequence - greatest(least(coalesce(position.sequence, 0), head.sequence), head.trimmed) AS unread
  FROM indelible.heads AS head
  LEFT JOIN (SELECT plan_id, sequence FROM indelible.read_positions WHERE user_id = $1) AS position USING (plan_id)
  WHERE plan_id = ANY ($2::text[])`,
};

/** User ids are free strings: kept as JSON text. */
export class PostgresReadPositions implements ReadPositions {
  readonly #pool: Pool;
  readonly #telling: RecordTelling;

  constructor(pool: Pool, telling: RecordTelling) {
    this.#pool = pool;
    this.#telling = telling;
  }

  advance(userId: string, planId: string, sequence: number): Promise<number> {
    return translated('cannot write the read position', async () => {
      const { rows } = await this.#telling.during([{ kind: 'read', planId, userId }], (hints) =>
        query<{ sequence: number }>(this.#pool, advance, [JSON.stringify(userId), planId, sequence, hints]),
      );
      return rows[0]?.sequence ?? 0;
    });
  }

  unread(userId: string, planIds: readonly string[]): Promise<ReadonlyMap<string, Unread>> {
    return translated('cannot read the read positions', async () => {
      const { rows } = await query<Unread & { plan_id: string }>(this.#pool, unread, [JSON.stringify(userId), planIds]);
      const found = new Map(rows.map(({ plan_id, read, unread }) => [plan_id, { read, unread }]));
      return new Map(planIds.map((planId) => [planId, found.get(planId) ?? { read: 0, unread: 0 }]));
    });
  }
}
