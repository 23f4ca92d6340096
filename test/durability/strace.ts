import { existsSync, readFileSync } from 'node:fs';
import type { SeededRandom } from '../../src/testing/contract/seededRandom.ts';

/** Calls that fail, as the disk's kernel lets them fail. The call itself is not made. */
export interface FailingCalls {
  readonly call: 'pwrite64' | 'fsync' | 'fdatasync' | 'ftruncate';
  readonly error: 'EIO' | 'ENOSPC';
  /** The k-th call fails, from 1 on. */
  readonly first: number;
  /** And then each so many calls later, or all; left out: never again. */
  readonly again?: number | 'all';
}

/** `strace` as what runs a process whose calls on these files fail. It becomes that process: its parent sees no other. */
export function runByStrace(calls: readonly FailingCalls[], files: readonly string[], trace: string): string[] {
  const names = [...new Set(calls.map(({ call }) => call))].join();
  const faults = calls.flatMap(({ call, error, first, again }) => {
    const step = again === undefined ? '' : again === 'all' ? '+' : `+${again}`;
    return ['-e', `inject=${call}:error=${error}:when=${first}${step}`];
  });
  const watched = files.flatMap((file) => ['-P', file]);
  return ['strace', '-D', '-f', '-qq', '-o', trace, ...watched, '-e', `trace=${names}`, ...faults];
}

/** How many calls failed, of those that the trace tells. */
export function failedCalls(trace: string): number {
  return existsSync(trace) ? readFileSync(trace, 'utf8').split('(INJECTED)').length - 1 : 0;
}

/** Rarely enough that saving goes on, so often that one process meets many. */
export function anyFailingCalls(random: SeededRandom): FailingCalls[] {
  const error = random.pick(['EIO', 'ENOSPC'] as const);
  return [
    { call: 'pwrite64', error, first: 1 + random.below(60), again: 11 + random.below(60) },
    { call: 'fsync', error: 'EIO', first: 1 + random.below(20), again: 3 + random.below(20) },
  ];
}
