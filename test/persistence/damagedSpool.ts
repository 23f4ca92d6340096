import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { openSpool } from '../../src/persistence/spool/openSpool.ts';
import { recordChecksum } from '../../src/persistence/spool/record.ts';
import type { Spool } from '../../src/persistence/spool/spool.ts';
import { IndelibleError } from '../../src/protocol/errors.ts';
import type { PreparedMessage } from '../../src/protocol/message.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { allWaiting, spoolAt, spoolPath } from './spooled.ts';
import { noon, spooledMessages } from './spooledMessage.ts';

const options = { maxBytes: 1e9, now: () => noon };
const earlier = spooledMessages(1, 40);
const last = spooledMessages(41, 43);

/** Copies of the files of a spool that is open, and where in its WAL the last append begins. */
function filesOfOpenSpool() {
  const path = spoolPath();
  const spool = spoolAt(path);
  for (const message of earlier) spool.append([message]);
  const begin = statSync(`${path}-wal`).size;
  spool.append(last);
  const copy = spoolPath('copy.spool');
  // By another process: to close a file here that SQLite has open would give up its locks.
  for (const suffix of ['', '-wal']) spawnSync('cp', [path + suffix, copy + suffix]);
  spool.close();
  return { main: copy, wal: readFileSync(`${copy}-wal`), begin };
}

/** Opens copies whose WAL is `wal`, and says what is wrong with what is there. */
function openWith(main: string, wal: Uint8Array, where: string, mayBeWhole: boolean): string[] {
  const path = `${main}.opened`;
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
  copyFileSync(main, path);
  writeFileSync(`${path}-wal`, wal);
  return verified(path, where, (there) => {
    const isWhole = same(there, [...earlier, ...last]);
    return isWhole ? mayBeWhole : same(there, earlier);
  });
}

/** Cuts the WAL at bytes of the last append. */
export function tornTails({ every }: { readonly every: number }): { violations: string[]; tried: number } {
  const { main, wal, begin } = filesOfOpenSpool();
  const violations: string[] = [];
  let tried = 0;
  for (let end = begin; end <= wal.length; end = end === wal.length ? end + 1 : Math.min(end + every, wal.length)) {
    violations.push(...openWith(main, wal.subarray(0, end), `cut at ${end} of ${wal.length}`, end === wal.length));
    tried++;
  }
  return { violations, tried };
}

export function garbageTails({ seed, rounds }: { readonly seed: number; readonly rounds: number }): string[] {
  const { main, wal, begin } = filesOfOpenSpool();
  const random = new SeededRandom(seed);
  return Array.from({ length: rounds }).flatMap((_, round) => {
    const end = round % 2 === 0 ? wal.length : begin + random.below(wal.length - begin);
    const garbage = Buffer.from(Array.from({ length: 1 + random.below(9_000) }, () => random.below(256)));
    const torn = Buffer.concat([wal.subarray(0, end), garbage]);
    return openWith(main, torn, `garbage from ${end} of ${wal.length}`, end === wal.length);
  });
}

export interface Flips {
  readonly seed: number;
  readonly rounds: number;
  readonly where: 'in a record' | 'anywhere';
  /** The control: each record is given the checksum of what it says now. */
  readonly withoutChecksums?: boolean;
}

/** Changes a byte of a spool's file, in the content of a record or anywhere, and says what is wrong with what is there. */
export function flippedBytes({ seed, rounds, where, withoutChecksums = false }: Flips): string[] {
  const path = spoolPath();
  const spool = spoolAt(path);
  const all = spooledMessages(1, 120);
  spool.append(all);
  spool.close();
  const whole = readFileSync(path);
  const random = new SeededRandom(seed);
  return Array.from({ length: rounds }).flatMap(() => {
    const bytes = Buffer.from(whole);
    const victim = random.pick(all);
    const flip = 1 + random.below(255);
    const inRecord = placesOf(bytes, victim, random.below(60));
    const places = where === 'anywhere' ? [random.below(bytes.length)] : inRecord;
    for (const place of places) bytes[place] = (bytes[place] as number) ^ flip;
    const damaged = `${path}.damaged`;
    for (const suffix of ['', '-wal', '-shm', '.rebuilt']) rmSync(damaged + suffix, { force: true });
    writeFileSync(damaged, bytes, { mode: 0o600 });
    if (withoutChecksums) forgeChecksums(damaged);
    if (where === 'in a record') {
      const others = all.filter((message) => message !== victim);
      return verified(
        damaged,
        `${places} ^ ${flip}`,
        (there, { setAsideCount }) => setAsideCount === 1 && same(there, others),
      );
    }
    const isUsable = (there: readonly PreparedMessage[], { setAsideCount }: Spool) => {
      const order = there.map(({ body }) => all.findIndex((one) => one.body === body));
      const inOrder = order.every((place, index) => place > (order[index - 1] ?? -1));
      return inOrder && (setAsideCount > 0 || there.length === all.length);
    };
    // The first page says what the file is and what tables it has: without it nothing can be read.
    const isFirstPage = (places[0] as number) < 4_096;
    return verified(damaged, `${places} ^ ${flip}`, isUsable, isFirstPage);
  });
}

/** Where a byte of a record is. SQLite moves records and leaves what it moved: whichever is in use is among them. */
function placesOf(bytes: Buffer, { body }: PreparedMessage, offset: number): number[] {
  const begin = body.indexOf('"message_id"');
  const text = body.slice(begin, begin + 60);
  const found: number[] = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) found.push(at + offset);
  return found;
}

function forgeChecksums(path: string): void {
  const db = new DatabaseSync(path);
  const update = db.prepare('UPDATE waiting SET checksum = ? WHERE id = ?');
  for (const row of db.prepare('SELECT id, plan_id AS planId, message_id AS messageId, body FROM waiting').all()) {
    const { id, ...message } = row as unknown as PreparedMessage & { id: number };
    update.run(recordChecksum(id, message), id);
  }
  db.close();
}

function same(there: readonly PreparedMessage[], wanted: readonly PreparedMessage[]): boolean {
  return (
    there.length === wanted.length &&
    there.every(({ body, planId, messageId }, index) => {
      const one = wanted[index] as PreparedMessage;
      return body === one.body && planId === one.planId && messageId === one.messageId;
    })
  );
}

/** What it says if the spool at `path` opens and holds something else than it may. */
function verified(
  path: string,
  where: string,
  isRight: (there: PreparedMessage[], spool: Spool) => boolean,
  mayBeRefused = false,
): string[] {
  let spool: Spool | undefined;
  try {
    spool = openSpool(path, options);
    const there = allWaiting(spool);
    const again = allWaiting(spool);
    if (!same(there, again)) return [`${where}: read twice, it says ${there.length} and ${again.length}`];
    if (spool.depth !== there.length) return [`${where}: counts ${spool.depth}, holds ${there.length}`];
    if (!isRight(there, spool)) return [`${where}: holds ${there.length}, ${spool.setAsideCount} aside`];
    // Damage or not, it takes more.
    return spool.append(last).length === last.length ? [] : [`${where}: takes no more`];
  } catch (error) {
    if (mayBeRefused && IndelibleError.is(error)) return [];
    return [`${where}: ${IndelibleError.is(error) ? error.code : String(error)} ${(error as Error).message}`];
  } finally {
    spool?.close();
  }
}
