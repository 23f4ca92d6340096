import { IndelibleError } from '../../protocol/errors.ts';
import type { PreparedMessage } from '../../protocol/message.ts';
import { insertAside, rowOf, whyDamaged } from './asideRecord.ts';
import type { OwnedFile } from './ownedFile.ts';
import { intactMessage, type RecordRow, recordChecksum, recordSize } from './record.ts';
import type { Spool, SpooledRecord, SpoolOptions } from './spool.ts';
import { firstAcceptedAt } from './tally.ts';

/** The spool on a SQLite file. A call runs to its end on this thread, so calls cannot interleave. */
export class SqliteSpool implements Spool {
  readonly #file: OwnedFile;
  readonly #maxBytes: number;
  readonly #now: () => number;

  constructor(file: OwnedFile, { maxBytes, now }: SpoolOptions) {
    this.#file = file;
    this.#maxBytes = maxBytes;
    this.#now = now;
  }

  append(messages: readonly PreparedMessage[]): readonly number[] {
    if (messages.length === 0) return [];
    const file = this.#file;
    const acceptedAt = this.#now();
    const accepted = file.write('cannot write to the spool', ({ insert }) => {
      const accepted: { readonly id: number; readonly planId: string; readonly size: number }[] = [];
      let id = file.lastId;
      let room = this.#maxBytes - file.tally.size;
      for (const message of messages) {
        const { planId, messageId, body } = message;
        const size = recordSize(message);
        room -= size;
        if (room < 0) break;
        id++;
        insert.run(id, planId, messageId, acceptedAt, recordChecksum(id, message), size, body);
        accepted.push({ id, planId, size });
      }
      return { result: accepted, lastId: id };
    });
    if (file.tally.depth === 0 && accepted.length > 0) file.tally.oldestAcceptedAt = acceptedAt;
    for (const { planId, size } of accepted) file.tally.added(planId, size);
    return accepted.map(({ id }) => id);
  }

  read(limit: number, maxSize: number, afterId = 0): readonly SpooledRecord[] {
    const found: SpooledRecord[] = [];
    const damaged: RecordRow[] = [];
    this.#file.read(({ scan }) => {
      let size = 0;
      for (const row of scan.iterate(afterId) as Iterable<unknown> as Iterable<RecordRow>) {
        const message = intactMessage(row);
        if (message === undefined) {
          damaged.push(row);
          continue;
        }
        size += message.body.length;
        if (found.length > 0 && size > maxSize) break;
        found.push({ id: row.id as number, message, acceptedAt: Number(row.accepted_at) });
        if (found.length >= limit) break;
      }
    });
    if (damaged.length > 0) this.#setDamagedAside(damaged);
    return found;
  }

  /** They are not delivered, whether this succeeds now or when they are read again. */
  #setDamagedAside(rows: readonly RecordRow[]): void {
    const why = whyDamaged(this.#now());
    try {
      this.#file.write('cannot set aside in the spool', (connection) => {
        for (const row of rows) {
          connection.remove.get(row.id as number);
          insertAside(connection, row.id as number, row, why);
        }
        return { result: undefined, recount: true };
      });
    } catch (error) {
      if (!IndelibleError.is(error)) throw error;
    }
  }

  remove(ids: readonly number[]): readonly number[] {
    if (ids.length === 0) return [];
    const { tally } = this.#file;
    const { removed, oldestAcceptedAt } = this.#file.write('cannot remove from the spool', (connection) => {
      const removed = ids.flatMap((id) => {
        const row = connection.remove.get(id);
        return row === undefined ? [] : [{ id, planId: String(row['plan_id']), size: Number(row['size']) }];
      });
      return { result: { removed, oldestAcceptedAt: firstAcceptedAt(connection) } };
    });
    for (const { planId, size } of removed) tally.removed(planId, size);
    tally.oldestAcceptedAt = oldestAcceptedAt;
    if (removed.length > 0 && tally.depth === 0) this.#file.tidy();
    return removed.map(({ id }) => id);
  }

  setAside(id: number, error: IndelibleError): void {
    const { tally } = this.#file;
    const why = { code: error.code, text: error.message, since: this.#now() };
    const moved = this.#file.write('cannot set aside in the spool', (connection) => {
      const row = connection.one.get(id) as RecordRow | undefined;
      if (row === undefined) return { result: undefined };
      const message = intactMessage(row);
      connection.remove.get(id);
      insertAside(connection, id, row, message === undefined ? whyDamaged(why.since) : why);
      const oldestAcceptedAt = firstAcceptedAt(connection);
      return message === undefined ? { result: undefined, recount: true } : { result: { message, oldestAcceptedAt } };
    });
    if (moved === undefined) return;
    const size = recordSize(moved.message);
    tally.removed(moved.message.planId, size);
    tally.keptAside(size);
    tally.oldestAcceptedAt = moved.oldestAcceptedAt;
  }

  keepAside(message: PreparedMessage, error: IndelibleError): void {
    const file = this.#file;
    const since = this.#now();
    const size = recordSize(message);
    file.write('cannot set aside in the spool', (connection) => {
      if (file.tally.size + size > this.#maxBytes) throw new IndelibleError('spool_full');
      const lastId = file.lastId + 1;
      insertAside(connection, lastId, rowOf(lastId, message, since), { code: error.code, text: error.message, since });
      return { result: undefined, lastId };
    });
    file.tally.keptAside(size);
  }

  waiting(planId: string): number {
    return this.#file.tally.waiting(planId);
  }

  get depth(): number {
    return this.#file.tally.depth;
  }

  get size(): number {
    return this.#file.tally.size;
  }

  get setAsideCount(): number {
    return this.#file.tally.aside;
  }

  get oldestAcceptedAt(): number | undefined {
    return this.#file.tally.oldestAcceptedAt;
  }

  refresh(): boolean {
    try {
      return this.#file.operatorChanged();
    } catch {
      return false;
    }
  }

  close(): void {
    this.#file.close();
  }
}
