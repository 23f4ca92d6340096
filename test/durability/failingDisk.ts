import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import type { Durable } from './durable.ts';
import { anyFailingCalls, type FailingCalls, failedCalls, runByStrace } from './strace.ts';
import { historyOf, isDurable } from './told.ts';
import { WriterProcess } from './writerProcess.ts';

/** So many saves one after the other that were not made durable: nothing more is. */
const streak = 10;

export interface FailingDiskOptions {
  readonly durable: Durable;
  readonly rounds: number;
  readonly seed: number;
  /** For a control: the writer acknowledges before it commits, by so many ms. */
  readonly early?: number;
}

/**
 * One process after the other saves to the same file of SQLite, while calls to the kernel fail, now and then or from one
 * moment on for good. Each ends in good order or is killed; then the file is read. Answers what does not hold in it.
 */
export async function saveOnFailingDisk({ durable, rounds, seed, early }: FailingDiskOptions) {
  const random = new SeededRandom(seed);
  const place = folderOfTest();
  const violations: string[] = [];
  const told = [];
  let failed = 0;
  for (let round = 1; round <= rounds; round++) {
    const forGood = random.below(3) === 0;
    const calls = forGood ? failingForGood(random) : anyFailingCalls(random);
    const writer = tracedWriter(durable, place, `r${round}`, calls, random, early);
    await writer.until(
      'saved enough, or nothing more is stored',
      (lines) => {
        const settled = lines.filter((line) => 'settled' in line);
        const isLost = settled.length >= streak && settled.slice(-streak).every(({ status }) => !isDurable(status));
        return settled.length >= 150 || isLost;
      },
      { orOver: true },
    );
    const waits = writer.lines.some((line) => 'settled' in line && !isDurable(line.status));
    if (waits || random.below(2) === 0) await writer.kill();
    const code = await writer.stop();
    violations.push(...openedBadly(durable, code, writer.said));
    const { lines } = writer;
    told.push({ lines, known: lines.length });
    failed += failedCalls(traceOf(place, `r${round}`));
    // A connection in this process, whose calls do not fail.
    const found = await durable.violations(filesOf(place), historyOf(told));
    violations.push(...found.map((violation) => `round ${round}, ${JSON.stringify(calls)}: ${violation}`));
  }
  return { violations, failed, counts: historyOf(told).counts() };
}

/**
 * A process makes a new file while one call to the kernel fails, another one uses it when all is well again. Answers what
 * does not hold, and whether a call failed: there may be fewer.
 */
export async function openOnFailingDisk(durable: Durable, call: FailingCalls, seed: number) {
  const random = new SeededRandom(seed);
  const place = folderOfTest();
  const told = [];
  const violations: string[] = [];
  for (const [name, calls] of [
    ['first', [call]],
    ['second', []],
  ] as const) {
    const writer = tracedWriter(durable, place, name, calls, random);
    await writer.until('some is stored', (lines) => lines.filter((line) => 'settled' in line).length >= 10, {
      orOver: name === 'first',
    });
    violations.push(...openedBadly(durable, await writer.stop(), writer.said));
    const { lines } = writer;
    told.push({ lines, known: lines.length });
  }
  violations.push(...(await durable.violations(filesOf(place), historyOf(told))));
  return { violations, failed: failedCalls(traceOf(place, 'first')) };
}

/** Whoever cannot open the file is told that trying again may help. */
function openedBadly({ unavailable }: Durable, code: number | null, said: string): string[] {
  const toldSo = code === 0 || code === null || said.includes(`code: '${unavailable}'`);
  return toldSo ? [] : [`it ended with ${code}:\n${said}`];
}

function failingForGood(random: SeededRandom): FailingCalls[] {
  const call = random.pick(['pwrite64', 'fsync'] as const);
  return [
    {
      call,
      error: random.pick(['EIO', 'ENOSPC'] as const),
      first: 1 + random.below(call === 'fsync' ? 40 : 400),
      again: 'all',
    },
  ];
}

function tracedWriter(
  durable: Durable,
  place: string,
  name: string,
  calls: readonly FailingCalls[],
  random: SeededRandom,
  early?: number,
) {
  const file = durable.file(filesOf(place));
  const files = [file, `${file}-wal`, `${file}-shm`, filesOf(place)];
  return new WriterProcess({
    store: durable.address(filesOf(place)),
    told: join(place, `${name}.jsonl`),
    name,
    planIds: ['a', 'b'],
    seed: random.below(2 ** 32),
    contentLength: 60_000,
    pauseMs: 6,
    runBy: calls.length === 0 ? [] : runByStrace(calls, files, traceOf(place, name)),
    ...(early !== undefined && { early }),
  });
}

function filesOf(place: string): string {
  return join(place, 'files');
}

function traceOf(place: string, name: string): string {
  return join(place, `${name}.trace`);
}

function folderOfTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'indelible-failing-'));
  onTestFinished(() => rmSync(folder, { recursive: true, maxRetries: 3 }));
  return folder;
}
