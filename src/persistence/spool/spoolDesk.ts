import { existsSync } from 'node:fs';
import { IndelibleError } from '../../protocol/errors.ts';
import type { AsideRow } from './asideRecord.ts';
import { intactMessage, recordChecksum, recordColumns, recordSize } from './record.ts';
import { SpoolConnection } from './spoolConnection.ts';
import { spoolFailure } from './spoolFailure.ts';

/** How long to wait for the owner's lock, in ms. Nothing else goes on in this process. */
const busyTimeoutMs = 5_000;
/** Records in one transaction: the owner waits for its end. */
const batchSize = 200;

/** A record that is set aside, as an operator sees it. After damage any text may be missing. */
export interface AsideRecord {
  /** Its place in the order of the spool. */
  readonly id: number;
  readonly planId: string;
  readonly messageId: string;
  readonly code: string;
  readonly text: string;
  /** Ms since 1970. */
  readonly since: number;
  /** Whether it can be delivered: what it says is what was accepted. */
  readonly intact: boolean;
}

export interface SpoolOverview {
  readonly depth: number;
  readonly size: number;
  /** Ms since 1970. */
  readonly oldestAcceptedAt: number | undefined;
  readonly aside: readonly AsideRecord[];
}

/**
 * What an operator may do with a spool, whether a living process owns it or not: look, and decide about what was set
 * aside. What waits is the owner's alone. Each step is one transaction, by which the owner sees that it has to look.
 */
export class SpoolDesk {
  readonly #connection: SpoolConnection;
  readonly #path: string;

  /** @throws IndelibleError `spool_unavailable` if there is no spool at `path`, `schema_too_new`, `spool_damaged` */
  constructor(path: string) {
    this.#path = path;
    if (!existsSync(path)) throw new IndelibleError('spool_unavailable', { message: `there is no spool at ${path}` });
    this.#connection = this.#told(() => new SpoolConnection(path, busyTimeoutMs));
  }

  overview(): SpoolOverview {
    return this.#told(() => {
      const counts = this.#connection
        .prepare(
          'SELECT count(*) AS depth, total(size) AS waiting, (SELECT total(size) FROM aside) AS aside FROM waiting',
        )
        .get() as { depth: number; waiting: number; aside: number };
      const first = this.#connection.first.get()?.['accepted_at'];
      const aside = (this.#connection.scanAside.all() as unknown as AsideRow[]).map(asRecord);
      return {
        depth: counts.depth,
        size: counts.waiting + counts.aside,
        oldestAcceptedAt: typeof first === 'number' ? first : undefined,
        aside,
      };
    });
  }

  /** Puts records that are set aside at the end of the waiting order. Answers how many; damaged ones stay. */
  retry(ids: readonly number[]): number {
    const insert = this.#connection.insert;
    return this.#change(ids, (row, newId) => {
      const message = intactMessage(row);
      if (message === undefined) return 'stays';
      const { planId, messageId, body } = message;
      const acceptedAt = Number(row.accepted_at);
      insert.run(newId, planId, messageId, acceptedAt, recordChecksum(newId, message), recordSize(message), body);
      return 'moves';
    });
  }

  /** Removes records that are set aside, for ever. Answers how many. */
  drop(ids: readonly number[]): number {
    return this.#change(ids, () => 'goes');
  }

  close(): void {
    this.#connection.close();
  }

  /** Asks of each record what becomes of it; one that moves has taken the new id. */
  #change(ids: readonly number[], decide: (row: AsideRow, newId: number) => 'stays' | 'goes' | 'moves'): number {
    const connection = this.#connection;
    const one = connection.prepare(`SELECT ${recordColumns} FROM aside WHERE rowid = ?`);
    let changed = 0;
    for (let start = 0; start < ids.length; start += batchSize) {
      this.#told(() =>
        connection.inTransaction(() => {
          const state = connection.loadState();
          let { lastId } = state;
          for (const id of ids.slice(start, start + batchSize)) {
            const row = one.get(id) as AsideRow | undefined;
            const change = row === undefined ? 'stays' : decide(row, lastId + 1);
            if (change === 'stays') continue;
            connection.removeAsideRange.run(id, id);
            if (change === 'moves') lastId++;
            changed++;
          }
          connection.saveState({ ...state, lastId, operatorWrites: state.operatorWrites + 1 });
        }),
      );
    }
    return changed;
  }

  #told<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw spoolFailure(`cannot use the spool ${this.#path}`, error);
    }
  }
}

function asRecord(row: AsideRow): AsideRecord {
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    id: row.id as number,
    planId: text(row.plan_id),
    messageId: text(row.message_id),
    code: row.error_code,
    text: row.error_text,
    since: row.aside_at,
    intact: intactMessage(row) !== undefined,
  };
}
