/**
 * Hints of what `source` (plan_id, sequence, revision) says was committed: plans and how far their logs go, no content; a
 * line a plan. Several plans share a hint, under the 8,000 bytes that PostgreSQL allows one.
 */
function hints(source: string): string {
  return `
  SELECT string_agg(sequence || ' ' || revision || ' ' || plan_id, E'\\n') AS hint
  FROM (
    SELECT *, sum(octet_length(plan_id) + 44) OVER (ROWS UNBOUNDED PRECEDING) / 6000 AS chunk FROM ${source}
  ) AS chunked
  GROUP BY chunk`;
}

/**
 * A batch in one statement and one transaction: move the heads of its plans on by how much it adds (which locks them, in
 * the order of plan ids, so that no two batches wait for each other in a circle), and insert each message as far behind
 * its new head as the batch says. An id that exists fails all of it; the careful path then does the batch anew.
 *
 * Lists of texts come as one text each, joined by newlines: neither ids nor JSON text can hold one. Measured, that is a
 * third faster than array parameters. Lists of different lengths would join wrongly, so what has no head is not left out
 * but refused, for want of a plan.
 *
 * $1 plan ids, each once; $2 how much each is added; $3 plan ids, $4 places behind the head, $5 ids and $6 bodies of the
 * messages; $7 whether to notify. Answers the hints of it, whether or not it notifies.
 */
export const appendBatch = {
  name: 'indelible_append',
  text: `
  WITH plans AS (
    SELECT * FROM unnest(string_to_array($1, E'\\n'), $2::int[]) AS plans (plan_id, added)
  ), heads AS (
    INSERT INTO indelible.heads AS head (plan_id, sequence, revision, created_at)
    SELECT plan_id, added, 0, now() FROM plans ORDER BY plan_id COLLATE "C"
    ON CONFLICT (plan_id) DO UPDATE SET sequence = head.sequence + excluded.sequence
    RETURNING plan_id, sequence, revision
  ), stored AS (
    INSERT INTO indelible.messages (plan_id, sequence, message_id, version, revision, body)
    SELECT plan_id, sequence - behind, message_id, 1, 0, body
    FROM unnest(
      string_to_array($3, E'\\n'), $4::int[], string_to_array($5, E'\\n'), string_to_array($6, E'\\n')
    ) AS input (plan_id, behind, message_id, body) LEFT JOIN heads USING (plan_id)
  ), hints AS MATERIALIZED (${hints('heads')})
  SELECT hint, CASE WHEN $7 THEN pg_notify('indelible', hint) END AS told FROM hints`,
};

/** $1 plan ids, in order and without repeats. Locks their heads, making those that are missing. */
export const lockHeads = {
  name: 'indelible_lock_heads',
  text: `
  INSERT INTO indelible.heads AS head (plan_id, sequence, revision, created_at)
  SELECT plan_id, 0, 0, now() FROM unnest($1::text[]) AS plan_id ORDER BY plan_id COLLATE "C"
  ON CONFLICT (plan_id) DO UPDATE SET sequence = head.sequence
  RETURNING plan_id, sequence, revision`,
};

const row = 'plan_id, message_id, sequence, version, revision, body';

/** $1 plan ids, $2 message ids, in pairs. */
export const findMany = {
  name: 'indelible_find_many',
  text: `
  SELECT ${row} FROM indelible.messages
  JOIN unnest($1::text[], $2::text[]) AS wanted (plan_id, message_id) USING (plan_id, message_id)`,
};

/** $1 plan ids, $2 message ids, $3 bodies, $4 sequences: messages whose places are known, under locked heads. */
export const insertNumbered = {
  name: 'indelible_insert_numbered',
  text: `
  INSERT INTO indelible.messages (plan_id, sequence, message_id, version, revision, body)
  SELECT plan_id, sequence, message_id, 1, 0, body
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS input (plan_id, message_id, body, sequence)`,
};

/** $1 plan ids, $2 sequences, $3 revisions, $4 whether to notify: moves locked heads. */
export const saveHeads = {
  name: 'indelible_save_heads',
  text: `
  WITH input AS (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS input (plan_id, sequence, revision)
  ), saved AS (
    UPDATE indelible.heads AS head SET sequence = input.sequence, revision = input.revision
    FROM input WHERE head.plan_id = input.plan_id
  )
  SELECT pg_notify('indelible', hint) FROM (${hints('(SELECT * FROM input WHERE $4) AS told')}) AS hints`,
};

/** $1 plan id. */
export const lockHead = {
  name: 'indelible_lock_head',
  text: 'SELECT plan_id, sequence, revision FROM indelible.heads WHERE plan_id = $1 FOR UPDATE',
};

/** $1 plan id, $2 sequence, $3 version, $4 revision, $5 body, checked once more: that costs little here. */
export const replaceMessage = {
  name: 'indelible_replace',
  text: `UPDATE indelible.messages SET version = $3, revision = $4, body = $5::json::text WHERE plan_id = $1 AND sequence = $2`,
};

/** $1 plan id, $2 message id. */
export const findMessage = {
  name: 'indelible_find',
  text: `SELECT ${row} FROM indelible.messages WHERE plan_id = $1 AND message_id = $2`,
};

/** Rows of `page`, in the order of `column`, up to the one that brings them to $5 bytes; `size` counts up to each. */
function upToSize(page: string, column: string): string {
  return `
  SELECT * FROM (
    SELECT page.*, sum(octet_length(body)) OVER (ORDER BY ${column}) AS size, octet_length(body) AS own_size
    FROM (${page}) AS page
  ) AS sized WHERE size - own_size < $5`;
}

const trimmed = '(SELECT trimmed FROM indelible.heads WHERE plan_id = $1)';

/**
 * $1 plan id, $2 sequence, $3 revision, $4 limit, $5 bytes. Both kinds from one snapshot, and, in a row whose `is_update`
 * is null, up to where the plan was trimmed. A message that was trimmed has no revision any more.
 */
export const readLog = {
  name: 'indelible_read',
  text: `
  (${upToSize(
    `SELECT false AS is_update, ${row} FROM indelible.messages
     WHERE plan_id = $1 AND sequence > greatest($2, ${trimmed}) ORDER BY sequence LIMIT $4`,
    'sequence',
  )} ORDER BY sequence)
  UNION ALL
  (${upToSize(
    `SELECT true AS is_update, ${row} FROM indelible.messages
     WHERE plan_id = $1 AND revision > $3 AND revision > 0 ORDER BY revision LIMIT $4`,
    'revision',
  )} ORDER BY revision)
  UNION ALL
  SELECT NULL, plan_id, '', trimmed, 0, 0, 'null', 0, 0 FROM indelible.heads WHERE plan_id = $1 AND trimmed > 0`,
};

/** $1 plan ids. */
export const readHeads = {
  name: 'indelible_heads',
  text: 'SELECT plan_id, sequence, revision FROM indelible.heads WHERE plan_id = ANY ($1::text[])',
};
