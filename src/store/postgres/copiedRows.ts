import { escapeLiteral, type PoolClient } from 'pg';
import type { RowView } from '../../protocol/rowView.ts';
import { maxPageSize, type TextPage } from '../messageLog.ts';
import { RowBytes } from '../rowBytes.ts';
import { copyOut } from './copyOut.ts';

/**
 * A page of rows as bytes, which `pg` decodes nowhere: measured, a third of what it costs row by row, and a third again
 * of what it costs when PostgreSQL puts the rows together.
 *
 * PostgreSQL sends all of a page that it was asked for, so only bodies are sent that fit, however many there are: a page
 * ends in front of a larger one. Answers undefined if it begins with one.
 */
export async function copiedPage(
  client: PoolClient,
  planId: string,
  after: number,
  limit: number,
  view: RowView,
): Promise<TextPage | undefined> {
  const text = new RowBytes(view);
  let sequence = after;
  let rows = 0;
  let endsEarly = false;
  const tuples = new CopiedTuples((copied) => {
    endsEarly ||= copied.bodyStart === copied.bodyEnd;
    if (endsEarly) return;
    ({ sequence } = copied);
    text.add(sequence, copied.version, copied.bytes, copied.bodyStart, copied.bodyEnd);
    rows++;
  });
  await copyOut(client, copyStatement(planId, after, limit), (piece) => tuples.take(piece));
  if (endsEarly && rows === 0) return undefined;
  return { text: text.finish(), sequence, more: endsEarly || rows === limit };
}

/**
 * The page is named by where it begins and ends, not by a limit: that is as quick when PostgreSQL knows nothing of the
 * table yet (measured, a limit then took 4 times as long). It begins behind what was trimmed. The size of a body is
 * asked of its header, unless it is compressed.
 */
function copyStatement(planId: string, after: number, limit: number): string {
  const ofPlan = `plan_id = ${escapeLiteral(planId)}`;
  const size = `CASE WHEN pg_column_compression(body) IS NULL THEN pg_column_size(body) ELSE octet_length(body) END`;
  return `
  COPY (
    WITH page AS MATERIALIZED (
      SELECT greatest(${Number(after)}, (SELECT trimmed FROM indelible.heads WHERE ${ofPlan})) AS start
    )
    SELECT sequence, version, CASE WHEN ${size} <= ${Math.floor(maxPageSize / Math.max(1, limit))} THEN body END
    FROM indelible.messages
    WHERE ${ofPlan} AND sequence > (SELECT start FROM page) AND sequence <= (SELECT start + ${Number(limit)} FROM page)
    ORDER BY sequence
  ) TO STDOUT WITH (FORMAT binary)`;
}

interface CopiedTuple {
  readonly sequence: number;
  readonly version: number;
  readonly bytes: Buffer;
  /** Where in `bytes` the body is; nowhere if it is null. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

/** "PGCOPY\n\377\r\n\0", then flags and the length of an extension. https://www.postgresql.org/docs/current/sql-copy.html */
const headerBytes = 19;

/**
 * Reads `sequence bigint, version integer, body text` from the binary format of COPY. A piece is a row, the header stands
 * alone or before the first one, and a trailer without fields behind the last.
 */
class CopiedTuples {
  readonly #each: (tuple: CopiedTuple) => void;
  #begun = false;

  constructor(each: (tuple: CopiedTuple) => void) {
    this.#each = each;
  }

  take(piece: Buffer): void {
    let at = 0;
    if (!this.#begun) {
      at = headerBytes + piece.readInt32BE(headerBytes - 4);
      this.#begun = true;
    }
    if (at === piece.length || piece.readInt16BE(at) === -1) return;
    const length = piece.readInt32BE(at + 22);
    const bodyStart = at + 26;
    this.#each({
      sequence: piece.readUInt32BE(at + 6) * 2 ** 32 + piece.readUInt32BE(at + 10),
      version: piece.readInt32BE(at + 18),
      bytes: piece,
      bodyStart,
      bodyEnd: bodyStart + Math.max(0, length),
    });
  }
}
