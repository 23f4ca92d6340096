import { setTimeout as sleep } from 'node:timers/promises';
import type { KeptProcess } from './keptProcess.ts';
import { residentMiB } from './samples.ts';

export interface MemoryOf {
  readonly name: string;
  readonly pid: number | undefined;
  readonly rssMiB: number | null;
}

/** What processes hold that have nothing to do, their garbage collected twice. */
export async function memoryOf(processes: readonly KeptProcess[]): Promise<MemoryOf[]> {
  for (let round = 0; round < 2; round++) {
    for (const one of processes) one.collectGarbage();
    await sleep(2_000);
  }
  return processes.map(({ name, pid }) => ({ name, pid, rssMiB: residentMiB(pid) ?? null }));
}
