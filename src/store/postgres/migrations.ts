import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { IndelibleError } from '../../protocol/errors.ts';
import { sqlState, translated } from './connection.ts';
import { underMigrationLock } from './migrationConnection.ts';

/**
 * Forward only: a migration that was released is never changed, a database of a newer version is refused. The version
 * is kept in `indelible.meta`. One process migrates at a time, under an advisory lock.
 *
 * Every row belongs to one plan, by the plan's own id, so that plans can be spread over databases. Ids compare byte by
 * byte (`COLLATE "C"`). Bodies are text: JSON as it was encoded, in which NULs and lone surrogates stand escaped. Head
 * rows are updated by each batch, so their pages are left half empty: the new version fits beside the old one and no
 * index is touched.
 */
const migrations: readonly ((epoch: string) => string)[] = [
  (epoch) => `
    CREATE TABLE indelible.heads (
      plan_id text COLLATE "C" PRIMARY KEY,
      sequence bigint NOT NULL,
      revision bigint NOT NULL,
      created_at timestamptz NOT NULL
    ) WITH (fillfactor = 50);
    CREATE INDEX heads_by_age ON indelible.heads (created_at);
    CREATE TABLE indelible.messages (
      plan_id text COLLATE "C" NOT NULL,
      sequence bigint NOT NULL,
      message_id text COLLATE "C" NOT NULL,
      version integer NOT NULL,
      revision bigint NOT NULL,
      body json NOT NULL,
      PRIMARY KEY (plan_id, sequence),
      CONSTRAINT messages_by_id UNIQUE (message_id, plan_id)
    );
    CREATE INDEX messages_by_revision ON indelible.messages (plan_id, revision) WHERE revision > 0;
    CREATE TABLE indelible.plans (
      plan_id text COLLATE "C" PRIMARY KEY,
      session_id text NOT NULL,
      user_id text NOT NULL,
      team_id text NOT NULL,
      description text NOT NULL,
      status text NOT NULL,
      steps json NOT NULL,
      created_at text NOT NULL,
      updated_at text NOT NULL
    );
    CREATE INDEX plans_by_session ON indelible.plans (session_id);
    INSERT INTO indelible.meta (key, value) VALUES ('epoch', '${epoch}');`,
  // Free strings are JSON text. A draft is written again and again until it is removed.
  () => `
    ALTER TABLE indelible.heads ADD COLUMN trimmed bigint NOT NULL DEFAULT 0;
    CREATE TABLE indelible.drafts (
      plan_id text COLLATE "C" NOT NULL,
      draft_id text COLLATE "C" NOT NULL,
      owner text COLLATE "C" NOT NULL,
      agent_name text NOT NULL,
      text text NOT NULL,
      updated_at text COLLATE "C" NOT NULL,
      touched_at text COLLATE "C" NOT NULL,
      begun_at timestamptz NOT NULL,
      PRIMARY KEY (plan_id, draft_id)
    ) WITH (fillfactor = 50);
    CREATE INDEX drafts_by_owner ON indelible.drafts (owner);
    CREATE INDEX drafts_by_touch ON indelible.drafts (touched_at);
    CREATE TABLE indelible.read_positions (
      plan_id text COLLATE "C" NOT NULL,
      user_id text COLLATE "C" NOT NULL,
      sequence bigint NOT NULL,
      PRIMARY KEY (plan_id, user_id)
    ) WITH (fillfactor = 50);`,
  // The type json keeps the text it was given, and reads all of it once more with each message: ADR 22.
  () => 'ALTER TABLE indelible.messages ALTER COLUMN body TYPE text USING body::text',
  // Free strings are JSON text. A run whose owner is gone has none. What runs are taken by stands in their own rows: they
  // are looked for every few seconds, however many plans there are. Beats are written often.
  () => `
    CREATE TABLE indelible.runs (
      plan_id text COLLATE "C" PRIMARY KEY,
      team_id text NOT NULL,
      begun_at timestamptz NOT NULL,
      state text NOT NULL,
      owner text COLLATE "C",
      fence bigint NOT NULL,
      request text,
      answer text,
      cancel_requested boolean NOT NULL
    );
    CREATE INDEX runs_free ON indelible.runs (begun_at, plan_id) WHERE state = 'working' AND owner IS NULL;
    CREATE INDEX runs_by_owner ON indelible.runs (owner) WHERE owner IS NOT NULL;
    CREATE TABLE indelible.run_owners (
      owner text COLLATE "C" PRIMARY KEY,
      beat bigint NOT NULL
    ) WITH (fillfactor = 50);`,
];

/** Names the advisory lock. Any other number would let an older version migrate at the same time. */
const lockKey = '7597407110064235116';

export interface MigrationReport {
  readonly from: number;
  readonly to: number;
}

/**
 * Brings the schema up to date, on a connection of its own without statement timeout. Needs the right to create a
 * schema, or to create tables in the schema `indelible`.
 *
 * @throws IndelibleError `schema_too_new`, `store_unavailable`, `store_refused`
 */
export function migrate(url: string): Promise<MigrationReport> {
  return translated('cannot migrate', () =>
    underMigrationLock(url, lockKey, async (client) => {
      const from = await schemaVersion(client);
      refuseNewer(from);
      if (from === migrations.length) return { from, to: from };
      await client.query('BEGIN');
      if (from === 0) await makeMeta(client);
      for (const migration of migrations.slice(from)) await client.query(migration(randomUUID()));
      await client.query(
        `INSERT INTO indelible.meta (key, value) VALUES ('schema_version', $1)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
        [String(migrations.length)],
      );
      await client.query('COMMIT');
      return { from, to: migrations.length };
    }),
  );
}

/** A role without the right to make schemas may find one made for it; `IF NOT EXISTS` would demand the right anyway. */
async function makeMeta(client: Client): Promise<void> {
  const { rowCount } = await client.query(`SELECT FROM pg_namespace WHERE nspname = 'indelible'`);
  if (rowCount === 0) await client.query('CREATE SCHEMA indelible');
  await client.query('CREATE TABLE indelible.meta (key text PRIMARY KEY, value text NOT NULL)');
}

/** Throws `schema_outdated` or `schema_too_new` if the schema is not the one this version works with. */
export async function checkSchema(client: Queryable): Promise<void> {
  const version = await schemaVersion(client);
  refuseNewer(version);
  if (version === migrations.length) return;
  const message =
    version === 0
      ? 'the database has no tables of Indelible yet'
      : `the database has schema version ${version}, this version of Indelible needs ${migrations.length}`;
  throw new IndelibleError('schema_outdated', { message });
}

interface Queryable {
  query(text: string): Promise<{ rows: { value: string }[] }>;
}

async function schemaVersion(client: Queryable): Promise<number> {
  try {
    const { rows } = await client.query(`SELECT value FROM indelible.meta WHERE key = 'schema_version'`);
    return Number(rows[0]?.value ?? 0);
  } catch (error) {
    const state = sqlState(error);
    if (state === '42P01' || state === '3F000') return 0;
    throw error;
  }
}

function refuseNewer(version: number): void {
  if (version <= migrations.length) return;
  const message = `the database has schema version ${version}, this version of Indelible knows ${migrations.length}`;
  throw new IndelibleError('schema_too_new', { message });
}
