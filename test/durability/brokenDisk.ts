import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { violationsInFile } from './sqliteFile.ts';
import { acknowledgedIn, historyOf } from './told.ts';
import { WriterProcess } from './writerProcess.ts';

export interface BrokenDiskOptions {
  readonly seed: number;
  /** For a control: the writer acknowledges before it commits, by so many ms. */
  readonly early?: number;
}

/**
 * A process saves to SQLite on a disk that takes no more blocks from some moment on: an ext4 whose image lies on a file
 * system of 8 MB, and has holes. So the kernel itself fails: it takes the writes, `fsync` answers EIO, and what could not
 * be written it then holds for clean; or it makes the whole file system read-only. The process goes on for a while, is
 * killed, the disk is repaired, and mounted anew. Answers what does not hold then.
 */
export async function breakDisk({ seed, early }: BrokenDiskOptions) {
  const place = mkdtempSync(join(tmpdir(), 'indelible-broken-'));
  const image = join(place, 'below', 'image');
  const disk = join(place, 'disk');
  const shell = (script: string) => execFileSync('sh', ['-ec', script], { stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => {
    shell(`umount --lazy ${disk} || true; umount --lazy ${place}/below`);
    rmSync(place, { recursive: true });
  });
  shell(`mkdir ${disk} ${place}/below; mount -t tmpfs -o size=8m tmpfs ${place}/below`);
  shell(`truncate -s 64M ${image}; mkfs.ext4 -q -F ${image}; mount -o loop,noatime ${image} ${disk}`);
  const path = join(disk, 'log.db');
  const writer = new WriterProcess({
    store: `sqlite:${path}`,
    told: join(place, 'told.jsonl'),
    name: 'writer',
    planIds: ['a', 'b'],
    seed,
    contentLength: 10_000,
    pauseMs: 6,
    ...(early !== undefined && { early }),
  });
  await writer.until('the disk is broken', (lines) => {
    const waits = lines.some((line) => 'settled' in line && line.status !== 'stored');
    return waits || (early !== undefined && acknowledgedIn(lines) > 2_000);
  });
  await sleep(500);
  await writer.kill();
  const { lines } = writer;
  shell(`mount -o remount,size=128m ${place}/below; umount ${disk}`);
  shell(`e2fsck -fy ${image} >&2 || [ $? -le 2 ]; mount -o loop,noatime ${image} ${disk}`);
  const violations = await violationsInFile(path, historyOf([{ lines, known: lines.length }], { oneClock: true }));
  return { violations, acknowledged: acknowledgedIn(lines) };
}
