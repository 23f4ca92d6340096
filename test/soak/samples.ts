import { readFileSync } from 'node:fs';

interface Sampled {
  readonly name: string;
  readonly pid: number | undefined;
  spoolDepth(): Promise<number | undefined>;
}

export interface ProcessSeries {
  readonly name: string;
  /** Resident memory in MiB, one entry a second; null while there was no process. */
  readonly rssMiB: (number | null)[];
  /** Messages on its disk; null if it did not say. */
  readonly spoolDepth: (number | null)[];
}

/** Looks at each process once a second. */
export class Samples {
  readonly series: readonly ProcessSeries[];
  readonly #processes: readonly Sampled[];
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;

  constructor(processes: readonly Sampled[], now: () => number) {
    this.#processes = processes;
    this.#now = now;
    this.series = processes.map(({ name }) => ({ name, rssMiB: [], spoolDepth: [] }));
    this.#timer = setInterval(() => this.#look(), 1_000);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const second = Math.floor(this.#now());
    for (const [index, sampled] of this.#processes.entries()) {
      const { rssMiB, spoolDepth } = this.series[index] as ProcessSeries;
      const rss = residentMiB(sampled.pid) ?? null;
      const isThere = rss !== null;
      // A second that was missed, or not answered for, is as the one before, as long as there is a process.
      const before = isThere ? (spoolDepth.at(-1) ?? null) : null;
      while (rssMiB.length <= second) rssMiB.push(rss);
      while (spoolDepth.length <= second) spoolDepth.push(before);
      if (!isThere) continue;
      void sampled.spoolDepth().then((depth) => {
        if (depth !== undefined) spoolDepth.fill(depth, second);
      });
    }
  }
}

/** Undefined if there is no such process, or it cannot be told: on Linux only. */
export function residentMiB(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Math.round(Number(kib) / 102.4) / 10;
  } catch {
    return undefined;
  }
}
