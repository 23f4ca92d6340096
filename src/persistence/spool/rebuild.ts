import { existsSync, linkSync, renameSync, rmSync } from 'node:fs';
import type { StatementSync } from 'node:sqlite';
import { IndelibleError } from '../../protocol/errors.ts';
import { createPrivately } from '../../store/sqlite/privateFile.ts';
import { type AsideRow, insertAside, type WhyAside, whyAside, whyDamaged } from './asideRecord.ts';
import { intactMessage, type RecordRow, recordSize } from './record.ts';
import { SpoolConnection } from './spoolConnection.ts';
import { isCorrupt } from './spoolFailure.ts';
import type { SpoolState } from './spoolState.ts';

/**
 * Puts a new file in the place of one whose structure is damaged, with all records in it that can be read: from the
 * front up to the damage, and from the back. Intact ones wait in their places, others are set aside. The damaged file is
 * kept beside it, and if there is anything in it that could not be read, a record that is set aside says so.
 *
 * @throws IndelibleError `spool_damaged` if nothing can be read
 */
export function rebuild(path: string, now: number): void {
  const keptPath = freePath(`${path}.damaged-${new Date(now).toISOString().replaceAll(':', '')}`);
  const newPath = `${path}.rebuilt`;
  for (const suffix of ['', '-wal', '-shm']) rmSync(newPath + suffix, { force: true });
  createPrivately(newPath);
  try {
    const from = new SpoolConnection(path);
    try {
      copy(from, newPath, keptPath, now);
    } finally {
      from.close();
    }
  } catch (cause) {
    if (!isCorrupt(cause)) throw cause;
    const message = `nothing of the spool ${path} can be read: ${(cause as Error).message}`;
    throw new IndelibleError('spool_damaged', { message, cause });
  }
  if (existsSync(`${path}-wal`)) {
    throw new IndelibleError('spool_damaged', { message: `the spool ${path} is damaged, and open elsewhere` });
  }
  linkSync(path, keptPath);
  renameSync(newPath, path);
}

function freePath(path: string): string {
  let free = path;
  for (let number = 2; existsSync(free); number++) free = `${path}-${number}`;
  return free;
}

function copy(from: SpoolConnection, newPath: string, keptPath: string, now: number): void {
  const into = new SpoolConnection(newPath);
  try {
    into.inTransaction(() => {
      const places = new Places();
      const damaged: RecordRow[] = [];
      const keep = (row: RecordRow) => {
        const message = intactMessage(row);
        if (message === undefined) damaged.push(row);
        else if (places.take(row.id)) {
          const id = row.id as number;
          const acceptedAt = Number.isSafeInteger(row.accepted_at) ? (row.accepted_at as number) : now;
          const { planId, messageId, body } = message;
          into.insert.run(id, planId, messageId, acceptedAt, row.checksum as number, recordSize(message), body);
        }
      };
      const isWhole = asFarAsReadable(from.every, keep);
      if (!isWhole) asFarAsReadable(from.everyBackwards, keep);
      const asideIsWhole = asFarAsReadable(from.scanAside, (row) => {
        insertAside(into, places.freeAt(row.id), row, whyAside(row as AsideRow, now));
      });
      for (const row of damaged) insertAside(into, places.freeAt(row.id), row, whyDamaged(now));
      if (!isWhole || !asideIsWhole) insertAside(into, places.freeAt(undefined), emptyRow, whyLost(keptPath, now));
      into.saveState(stateBehind(places.last, from));
    });
  } finally {
    into.close();
  }
}

/** Hands over the rows up to the first that cannot be read. True if that was none. */
function asFarAsReadable(statement: StatementSync, take: (row: RecordRow) => void): boolean {
  try {
    for (const row of statement.iterate()) take(row as unknown as RecordRow);
    return true;
  } catch (error) {
    if (isCorrupt(error)) return false;
    throw error;
  }
}

/** Places that are taken. */
class Places {
  readonly #taken = new Set<number>();
  last = 0;

  take(place: unknown): boolean {
    if (!Number.isSafeInteger(place) || (place as number) < 1 || this.#taken.has(place as number)) return false;
    this.#taken.add(place as number);
    this.last = Math.max(this.last, place as number);
    return true;
  }

  /** The place itself, or the one behind all others if it cannot be had. */
  freeAt(place: unknown): number {
    if (this.take(place)) return place as number;
    this.take(this.last + 1);
    return this.last;
  }
}

const emptyRow: RecordRow = { id: 0, plan_id: '', message_id: '', accepted_at: 0, checksum: 0, body: '' };

function whyLost(keptPath: string, since: number): WhyAside {
  return {
    ...whyDamaged(since),
    text: `Parts of the spool could not be read. The damaged file is kept as ${keptPath}.`,
  };
}

function stateBehind(lastId: number, from: SpoolConnection): SpoolState {
  try {
    const state = from.loadState();
    return { ...state, lastId: Math.max(lastId, state.lastId) };
  } catch (error) {
    if (!isCorrupt(error) && !IndelibleError.is(error, 'spool_damaged')) throw error;
    return { lastId, ownerWrites: 0, operatorWrites: 0 };
  }
}
