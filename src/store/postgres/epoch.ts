import { createHash, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { query, sqlState } from './connection.ts';

/**
 * What a history is known by. Beside the id made with the schema that is what changes when a backup is restored under the
 * same name: the cluster, its timeline (a promoted standby has a new one: it may have lost the last commits), the
 * database and the table. And how far the server's own log has reached the disk, which never goes back but when its
 * files are put back. What offers none of these functions has the id alone.
 *
 * The timeline is that of the log being written now: the control file learns of a promotion with the next checkpoint,
 * which may take minutes.
 */
const withPlace = `
  SELECT (SELECT value FROM indelible.meta WHERE key = 'epoch') AS id,
         (SELECT system_identifier FROM pg_control_system()) || ' ' ||
         CASE WHEN pg_is_in_recovery()
           THEN (SELECT lpad(upper(to_hex(timeline_id)), 8, '0') FROM pg_control_checkpoint())
           ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8)
         END || ' ' ||
         (SELECT oid FROM pg_database WHERE datname = current_database()) || ' ' ||
         'indelible.messages'::regclass::oid AS place,
         CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_flush_lsn() - '0/0'::pg_lsn END AS written`;

const idAlone = `SELECT value AS id, '' AS place, NULL AS written FROM indelible.meta WHERE key = 'epoch'`;

const rename = {
  text: `UPDATE indelible.meta SET value = $2 WHERE key = 'epoch' AND value = $1`,
};

interface Row {
  readonly id: string;
  readonly place: string;
  /** Bytes, or null where nothing is written or nobody says. */
  readonly written: string | null;
}

/** What is not there, not allowed or not supported here. */
const withoutPlace = new Set(['42883', '42501', '0A000']);

/**
 * Names the history that a database holds, as of the last {@link refresh}. All processes on one database name it alike.
 *
 * Files put back in place (a snapshot of a volume, say) look in all as they did, but for the server's log, which is
 * shorter than this process has seen it: then it gives the history another id.
 */
export class Epoch {
  #query = withPlace;
  #current = '';
  #id: string | undefined;
  #written = 0;

  get current(): string {
    return this.#current;
  }

  async refresh(pool: Pool): Promise<void> {
    // What was written before this question is asked must be written when it is answered.
    const [idBefore, writtenBefore] = [this.#id, this.#written];
    let row = await this.#read(pool);
    const written = Number(row.written ?? writtenBefore);
    if (written < writtenBefore && row.id === idBefore) {
      await renamed(pool, row.id);
      row = await this.#read(pool);
    }
    this.#id = row.id;
    this.#written = written;
    this.#current = createHash('sha256').update(`${row.id} ${row.place}`).digest('base64url').slice(0, 22);
  }

  async #read(pool: Pool): Promise<Row> {
    try {
      return await read(pool, this.#query);
    } catch (error) {
      if (this.#query === idAlone || !withoutPlace.has(sqlState(error) ?? '')) throw error;
      const row = await read(pool, idAlone);
      this.#query = idAlone;
      return row;
    }
  }
}

async function read(pool: Pool, text: string): Promise<Row> {
  const { rows } = await query<Row>(pool, { text });
  return rows[0] ?? { id: '', place: '', written: null };
}

/** Another process may have been faster. A role without the right to do it leaves it as it is. */
async function renamed(pool: Pool, id: string): Promise<void> {
  try {
    await query(pool, rename, [id, randomUUID()]);
  } catch (error) {
    if (sqlState(error) !== '42501') throw error;
  }
}
