import { type AsideRow, insertAside, whyAside, whyDamaged } from './asideRecord.ts';
import type { OwnedFile } from './ownedFile.ts';
import { intactMessage, type RecordRow, recordChecksum, recordSize, rowSize } from './record.ts';
import type { SpoolConnection } from './spoolConnection.ts';

const batchRows = 2_000;
const batchBytes = 8 * 1024 * 1024;

/**
 * Moves all that waits in one spool, and all that is set aside in it, behind what is in another, in order. Each batch is
 * on disk there before it is removed here: a crash in between leaves both, and the message ids make that harmless. The
 * bound is not asked: what was acknowledged is not refused, and takes as much disk here as there.
 *
 * @returns how many records waited
 */
export function adopt(from: OwnedFile, into: OwnedFile, now: number): number {
  let adopted = 0;
  try {
    for (let after = 0; ; ) {
      const rows = from.read(({ scan }) => batchOf<RecordRow>(scan.iterate(after)));
      const last = rows.at(-1);
      if (last === undefined) break;
      append(into, rows, (connection, id, row) => insertWaiting(connection, id, row, now));
      from.write('cannot remove from the spool', ({ remove }) => {
        for (const { id } of rows) remove.get(id as number);
        return { result: undefined };
      });
      after = last.id as number;
      adopted += rows.length;
    }
    for (;;) {
      const rows = from.read(({ scanAside }) => batchOf<AsideRow>(scanAside.iterate()));
      if (rows.length === 0) break;
      append(into, rows, (connection, id, row) => insertAside(connection, id, row, whyAside(row, now)));
      from.write('cannot remove from the spool', (connection) => {
        connection.removeAsideRange.run(rows[0]?.id as number, rows.at(-1)?.id as number);
        return { result: undefined };
      });
    }
  } finally {
    into.recount();
  }
  from.tidy();
  return adopted;
}

function batchOf<Row extends RecordRow>(rows: Iterable<unknown>): Row[] {
  const batch: Row[] = [];
  let size = 0;
  for (const row of rows as Iterable<Row>) {
    batch.push(row);
    size += rowSize(row);
    if (batch.length >= batchRows || size >= batchBytes) break;
  }
  return batch;
}

function append<Row>(
  into: OwnedFile,
  rows: readonly Row[],
  insert: (connection: SpoolConnection, id: number, row: Row) => void,
): void {
  into.write('cannot write to the spool', (connection) => {
    const first = into.lastId + 1;
    for (const [index, row] of rows.entries()) insert(connection, first + index, row);
    return { result: undefined, lastId: first + rows.length - 1 };
  });
}

function insertWaiting(connection: SpoolConnection, id: number, row: RecordRow, now: number): void {
  const message = intactMessage(row);
  if (message === undefined) {
    insertAside(connection, id, row, whyDamaged(now));
    return;
  }
  const { planId, messageId, body } = message;
  const acceptedAt = Number(row.accepted_at);
  connection.insert.run(id, planId, messageId, acceptedAt, recordChecksum(id, message), recordSize(message), body);
}
