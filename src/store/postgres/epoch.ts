import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import { query, sqlState } from './connection.ts';

/**
 * Names the history a database holds. Beside the id made with the schema it takes in what changes when a backup is
 * restored under the same name: the cluster, its timeline (a promoted standby has a new one: it may have lost the last
 * commits), the database and the table. What offers none of these functions has the id alone.
 */
const withPlace = `
  SELECT (SELECT value FROM indelible.meta WHERE key = 'epoch') || ' ' ||
         (SELECT system_identifier FROM pg_control_system()) || ' ' ||
         (SELECT timeline_id FROM pg_control_checkpoint()) || ' ' ||
         (SELECT oid FROM pg_database WHERE datname = current_database()) || ' ' ||
         'indelible.messages'::regclass::oid AS epoch`;

const idAlone = `SELECT value AS epoch FROM indelible.meta WHERE key = 'epoch'`;

const undefinedFunction = '42883';
const insufficientPrivilege = '42501';

export class Epoch {
  #query = withPlace;
  #current = '';

  get current(): string {
    return this.#current;
  }

  async refresh(pool: Pool): Promise<void> {
    const { rows } = await query<{ epoch: string }>(pool, { text: this.#query }).catch((error: unknown) => {
      const state = sqlState(error);
      if (this.#query === idAlone || (state !== undefinedFunction && state !== insufficientPrivilege)) throw error;
      this.#query = idAlone;
      return query<{ epoch: string }>(pool, { text: this.#query });
    });
    this.#current = createHash('sha256').update(String(rows[0]?.epoch)).digest('base64url').slice(0, 22);
  }
}
