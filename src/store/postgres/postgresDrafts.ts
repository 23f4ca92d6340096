import type { Pool } from 'pg';
import type { Draft } from '../../protocol/draft.ts';
import type { DraftKey, DraftRecords, DraftTouch, OwnedDraft } from '../draftRecords.ts';
import { query, translated } from './connection.ts';
import type { RecordTelling } from './recordTelling.ts';

interface Row {
  readonly plan_id: string;
  readonly draft_id: string;
  readonly agent_name: string;
  readonly text: string;
  readonly updated_at: string;
}

interface TouchRow {
  readonly plan_id: string;
  readonly draft_id: string;
  readonly owner: string;
  readonly touched_at: string;
}

/**
 * $1 to $6 a draft's columns as lists, $7 hints. Rows are written in the order of ids, so that two calls that write the
 * same ones do not wait for each other in a circle.
 */
const put = {
  name: 'indelible_put_drafts',
  text: `
  WITH stored AS (
    INSERT INTO indelible.drafts (plan_id, draft_id, owner, agent_name, text, updated_at, touched_at, begun_at)
    SELECT plan_id, draft_id, owner, agent_name, text, updated_at, updated_at, clock_timestamp()
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
      AS input (plan_id, draft_id, owner, agent_name, text, updated_at)
    ORDER BY plan_id COLLATE "C", draft_id COLLATE "C"
    ON CONFLICT (plan_id, draft_id) DO UPDATE SET
      owner = excluded.owner, agent_name = excluded.agent_name, text = excluded.text,
      updated_at = excluded.updated_at, touched_at = excluded.touched_at
  )
  SELECT pg_notify('indelible', hint) FROM unnest($7::text[]) AS hint`,
};

/** $1 owner, $2 when. */
const touch = {
  name: 'indelible_touch_drafts',
  text: 'UPDATE indelible.drafts SET touched_at = $2 WHERE owner = $1',
};

/** $1 plan ids, $2 draft ids, in pairs, $3 hints. */
const remove = {
  name: 'indelible_remove_drafts',
  text: `
  WITH removed AS (
    DELETE FROM indelible.drafts AS draft USING unnest($1::text[], $2::text[]) AS gone (plan_id, draft_id)
    WHERE draft.plan_id = gone.plan_id AND draft.draft_id = gone.draft_id
  )
  SELECT pg_notify('indelible', hint) FROM unnest($3::text[]) AS hint`,
};

/** $1 plan ids. */
const ofPlans = {
  name: 'indelible_drafts',
  text: `
  SELECT plan_id, draft_id, agent_name, text, updated_at FROM indelible.drafts AS draft
  WHERE plan_id = ANY ($1::text[]) AND NOT EXISTS (
    SELECT FROM indelible.messages AS message
    WHERE message.plan_id = draft.plan_id AND message.message_id = draft.draft_id
  )
  ORDER BY plan_id, begun_at, draft_id`,
};

/** $1 when, $2 limit. */
const abandoned = {
  name: 'indelible_abandoned_drafts',
  text: `
  SELECT plan_id, draft_id, owner, touched_at FROM indelible.drafts
  WHERE touched_at < $1 ORDER BY touched_at, plan_id, draft_id LIMIT $2`,
};

/** Free strings are kept as JSON text: PostgreSQL's text holds neither NUL nor lone surrogates. */
export class PostgresDrafts implements DraftRecords {
  readonly #pool: Pool;
  readonly #telling: RecordTelling;

  constructor(pool: Pool, telling: RecordTelling) {
    this.#pool = pool;
    this.#telling = telling;
  }

  async put(drafts: readonly OwnedDraft[]): Promise<void> {
    if (drafts.length === 0) return;
    const values = [
      drafts.map(({ planId }) => planId),
      drafts.map(({ draftId }) => draftId),
      drafts.map(({ owner }) => owner),
      drafts.map(({ agentName }) => JSON.stringify(agentName)),
      drafts.map(({ text }) => JSON.stringify(text)),
      drafts.map(({ updatedAt }) => updatedAt),
    ];
    await translated('cannot write drafts', () =>
      this.#telling.during(changedPlans(drafts), (hints) => query(this.#pool, put, [...values, hints])),
    );
  }

  async touch(owner: string, at: string): Promise<void> {
    await translated('cannot touch drafts', () => query(this.#pool, touch, [owner, at]));
  }

  async remove(drafts: readonly DraftKey[]): Promise<void> {
    if (drafts.length === 0) return;
    const values = [drafts.map(({ planId }) => planId), drafts.map(({ draftId }) => draftId)];
    await translated('cannot remove drafts', () =>
      this.#telling.during(changedPlans(drafts), (hints) => query(this.#pool, remove, [...values, hints])),
    );
  }

  ofPlans(planIds: readonly string[]): Promise<readonly Draft[]> {
    return translated('cannot read drafts', async () => {
      const { rows } = await query<Row>(this.#pool, ofPlans, [planIds]);
      return rows.map(toDraft);
    });
  }

  abandoned(before: string, limit: number): Promise<readonly DraftTouch[]> {
    return translated('cannot read drafts', async () => {
      const { rows } = await query<TouchRow>(this.#pool, abandoned, [before, limit]);
      return rows.map(({ plan_id, draft_id, owner, touched_at }) => ({
        planId: plan_id,
        draftId: draft_id,
        owner,
        touchedAt: touched_at,
      }));
    });
  }
}

function changedPlans(drafts: readonly DraftKey[]) {
  return [...new Set(drafts.map(({ planId }) => planId))].map((planId) => ({ kind: 'draft', planId }) as const);
}

function toDraft({ plan_id, draft_id, agent_name, text, updated_at }: Row): Draft {
  return {
    planId: plan_id,
    draftId: draft_id,
    agentName: JSON.parse(agent_name) as string,
    text: JSON.parse(text) as string,
    updatedAt: updated_at,
  };
}
