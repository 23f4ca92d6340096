import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { violationsInFile } from './sqliteFile.ts';
import { acknowledgedIn, historyOf, type ToldLine } from './told.ts';
import { WriterProcess } from './writerProcess.ts';

export interface FullDiskOptions {
  readonly seed: number;
  /** The process is killed and started again while the disk is full; else it lives through it. */
  readonly killed?: boolean;
  /** For a control: the writer acknowledges before it commits, by so many ms. */
  readonly early?: number;
}

/**
 * A process saves to SQLite on a disk of 1 MB until it is full, then gets room. Answers what does not hold in the file
 * then, and how many messages were stored before and after.
 */
export async function fillDisk({ seed, killed = false, early }: FullDiskOptions) {
  const place = mkdtempSync(join(tmpdir(), 'indelible-full-'));
  const disk = join(place, 'disk');
  execFileSync('sh', ['-ec', `mkdir ${disk}; mount -t tmpfs -o size=1m tmpfs ${disk}`]);
  onTestFinished(() => {
    execFileSync('umount', ['--lazy', disk]);
    rmSync(place, { recursive: true });
  });
  const path = join(disk, 'log.db');
  const start = (name: string) =>
    new WriterProcess({
      store: `sqlite:${path}`,
      told: join(place, `${name}.jsonl`),
      name,
      planIds: ['a', 'b'],
      seed,
      contentLength: 10_000,
      pauseMs: 6,
      ...(early !== undefined && { early }),
    });
  const first = start('first');
  await first.until('the disk is full', (lines) => lines.some(waits) || isFull(disk));
  await first.until('it went on for a while', (lines) => lines.some(waits) || acknowledgedIn(lines) > 400);
  if (killed) await first.kill();
  const whenFull = acknowledgedIn(first.lines);
  // It begins on the full disk, or is told that it cannot and begins when there is room.
  let second = killed ? start('second') : first;
  if (killed) await second.until('it waits', (lines) => lines.some(waits), { orOver: true });
  const refusal = second.isOver ? second.said : '';
  execFileSync('mount', ['-o', 'remount,size=16m', disk]);
  if (second.isOver) second = start('third');
  await second.goesOn(20);
  const code = await second.stop();
  const told = [...new Set([first, second])].map(({ lines }) => (killed ? lines : lines.map(storedLater)));
  const history = historyOf(told.map((lines) => ({ lines, known: lines.length })));
  const violations = await violationsInFile(path, history);
  const { refused } = history.counts();
  return { violations, code, whenFull, refused, later: first.lines.filter(waits).length, refusal };
}

function isFull(disk: string): boolean {
  return /100%/.test(execFileSync('df', [disk], { encoding: 'utf8' }));
}

/** What a process that ended in good order has told somebody to be waiting is stored. */
function storedLater(line: ToldLine): ToldLine {
  return 'settled' in line && line.status === 'pending' ? { ...line, status: 'spooled' } : line;
}

/** Whoever saved was told that the message is not stored yet. */
function waits(line: ToldLine): boolean {
  return 'settled' in line && line.status !== 'stored';
}
