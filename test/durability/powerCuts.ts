import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { Disk, type DiskOptions } from './disk.ts';
import type { Durable } from './durable.ts';
import { acknowledgedIn, historyOf } from './told.ts';
import { WriterProcess } from './writerProcess.ts';

export interface PowerCutsOptions {
  readonly durable: Durable;
  readonly cuts: number;
  /** Whether what was in the disk's own cache outlives a cut. */
  readonly cache: 'kept' | 'lost';
  readonly seed: number;
  readonly disk?: Partial<DiskOptions>;
  /** For `node`. */
  readonly nodeOptions?: readonly string[];
}

/**
 * Cuts the power again and again while a process saves: takes what the disk would hold in that moment, and reads it as
 * the machine would when the power is back. Answers what does not hold there, and how many messages were acknowledged
 * in the end.
 */
export async function cutPower({ durable, cuts, cache, seed, disk: diskOptions, nodeOptions = [] }: PowerCutsOptions) {
  const random = new SeededRandom(seed);
  const disk = await Disk.make({ megabytes: 48, ...diskOptions });
  const elsewhere = mkdtempSync(join(tmpdir(), 'indelible-told-'));
  onTestFinished(() => rmSync(elsewhere, { recursive: true }));
  // Folders that are not there yet, and must be after a cut.
  const place = (folder: string) => join(folder, 'deep', 'down');
  const writer = new WriterProcess({
    told: join(elsewhere, 'told.jsonl'),
    name: 'writer',
    planIds: ['a', 'b'],
    seed: random.below(2 ** 32),
    contentLength: 60_000,
    pauseMs: 6,
    store: durable.address(place(disk.folder)),
    nodeOptions,
  });
  const violations: string[] = [];
  let acknowledged = 0;
  for (let cut = 1; cut <= cuts; cut++) {
    await writer.goesOn(1 + random.below(120));
    await sleep(random.next() * 10);
    if (cache === 'lost') await writer.pause();
    const known = writer.lines.length;
    const remains = cache === 'lost' ? await disk.cutWithoutCache() : await disk.cutWithCache();
    await writer.pause();
    const { lines } = writer;
    acknowledged = acknowledgedIn(lines.slice(0, known));
    const history = historyOf([{ lines, known }], { oneClock: true });
    const found = await durable.violations(place(remains.folder), history);
    violations.push(...found.map((violation) => `after cut ${cut}, with ${acknowledged} acknowledged: ${violation}`));
    await remains.remove();
    writer.resume();
  }
  await writer.kill();
  return { violations, acknowledged };
}
