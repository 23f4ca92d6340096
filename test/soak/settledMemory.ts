import { setTimeout as sleep } from 'node:timers/promises';
import type { KeptProcess } from './keptProcess.ts';
import { residentMiB } from './samples.ts';

export interface MemoryOf {
  readonly name: string;
  readonly pid: number | undefined;
  readonly rssMiB: number | null;
  /** What its JavaScript holds. The rest is what V8, the allocator and the libraries keep for later. */
  readonly heapMiB: number | null;
}

/** What processes hold that have nothing to do, their garbage collected twice. */
export async function memoryOf(processes: readonly KeptProcess[]): Promise<MemoryOf[]> {
  const collect = () => Promise.all(processes.map((one) => one.collectGarbage()));
  await collect();
  await sleep(2_000);
  const heaps = await collect();
  await sleep(1_000);
  return processes.map(({ name, pid }, index) => {
    const bytes = heaps[index];
    return { name, pid, rssMiB: residentMiB(pid) ?? null, heapMiB: bytes === undefined ? null : mib(bytes) };
  });
}

function mib(bytes: number): number {
  return Math.round(bytes / 2 ** 20 / 0.1) / 10;
}
