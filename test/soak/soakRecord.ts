import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';
import type { Disturbance } from './disturbances.ts';
import type { ProcessSeries } from './samples.ts';
import type { MemoryOf } from './settledMemory.ts';
import type { SoakOptions } from './soakOptions.ts';
import type { Answered, Timeline } from './timeline.ts';
import type { Verdict } from './verdict.ts';

/** All that was seen in a soak, as data; what the report shows. Times in s since it began. */
export interface SoakRecord {
  readonly startedAt: string;
  readonly machine: string;
  readonly options: SoakOptions;
  readonly seconds: number;
  /** Tries to save, one entry a second. */
  readonly saves: Readonly<Record<Answered, readonly number[]>>;
  /** Of the acknowledged ones, in ms. */
  readonly p50: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
  readonly processes: readonly ProcessSeries[];
  readonly faults: readonly FaultRecord[];
  readonly pauses: readonly Disturbance[];
  readonly latency: { readonly well: LatencyRecord; readonly away: LatencyRecord };
  readonly memory: readonly GrowthRecord[];
  readonly starts: readonly { readonly name: string; readonly starts: number }[];
  readonly verdict: Verdict;
  /** What must not be, beside broken promises of the log. */
  readonly trouble: readonly string[];
}

export interface FaultRecord extends Disturbance {
  /** Of a fault of the database: when no process had anything on its disk any more. Null: not before the next fault. */
  readonly drainedAt: number | null;
  readonly mostSpooled: number;
}

interface LatencyRecord {
  readonly p50: number | null;
  readonly p99: number | null;
  readonly most: number | null;
}

interface GrowthRecord {
  readonly name: string;
  /** After the warm-up; null if it is not the same process any more. */
  readonly beforeMiB: number | null;
  readonly afterMiB: number | null;
  /** What JavaScript holds of it, at both times. */
  readonly heapMiB: readonly [before: number | null, after: number | null];
  readonly mostMiB: number;
  /** It was not killed after the warm-up, so its growth counts. */
  readonly livedOn: boolean;
}

export interface Seen {
  readonly options: SoakOptions;
  readonly startedAt: Date;
  readonly seconds: number;
  readonly timeline: Timeline;
  readonly series: readonly ProcessSeries[];
  readonly disturbances: readonly Disturbance[];
  readonly pauses: readonly Disturbance[];
  readonly memory: {
    readonly baseline: readonly MemoryOf[];
    readonly final: readonly MemoryOf[];
    readonly steady: readonly string[];
  };
  readonly verdict: Verdict;
  readonly trouble: readonly string[];
  readonly starts: SoakRecord['starts'];
}

export function soakRecord(seen: Seen): SoakRecord {
  const { options, startedAt, seconds, timeline, series, disturbances, pauses, verdict, trouble, starts } = seen;
  const { counts, p50, p99 } = timeline.series(seconds);
  const ofDatabase = disturbances.filter((one) => one.of === 'database').map(rounded);
  const isAway = (second: number) => ofDatabase.some(({ from, to }) => second >= Math.floor(from) && second <= to);
  const faults = disturbances.map(rounded).map((fault): FaultRecord => {
    if (fault.of === 'process') return { ...fault, drainedAt: null, mostSpooled: 0 };
    const next = ofDatabase.find(({ from }) => from > fault.from)?.from ?? seconds;
    return { ...fault, ...drainOf(fault, next, series) };
  });
  return {
    startedAt: startedAt.toISOString(),
    machine: describedMachine(),
    options,
    seconds,
    saves: counts,
    p50,
    p99,
    processes: series,
    faults,
    pauses: pauses.map(rounded),
    latency: {
      well: latencyRecord(timeline, (second) => !isAway(second)),
      away: latencyRecord(timeline, isAway),
    },
    memory: series.map(({ name, rssMiB }) => growthOf(name, rssMiB, seen.memory)),
    starts,
    verdict,
    trouble,
  };
}

function drainOf({ from, to }: Disturbance, next: number, series: readonly ProcessSeries[]) {
  const depthAt = (second: number) => series.reduce((sum, { spoolDepth }) => sum + lastKnown(spoolDepth, second), 0);
  let mostSpooled = 0;
  let drainedAt: number | null = null;
  for (let second = Math.floor(from); second <= next && drainedAt === null; second++) {
    mostSpooled = Math.max(mostSpooled, depthAt(second));
    if (second >= to && depthAt(second) === 0) drainedAt = second;
  }
  return { mostSpooled, drainedAt };
}

/** What a process that was killed had on its disk is still there. */
function lastKnown(depths: readonly (number | null)[], second: number): number {
  for (let index = Math.min(second, depths.length - 1); index >= 0; index--) {
    const depth = depths[index] ?? null;
    if (depth !== null) return depth;
  }
  return 0;
}

function latencyRecord(timeline: Timeline, matches: (second: number) => boolean): LatencyRecord {
  const all = timeline.latencies(matches);
  return { p50: all.percentile(0.5), p99: all.percentile(0.99), most: all.percentile(1) };
}

function growthOf(name: string, rss: readonly (number | null)[], memory: Seen['memory']): GrowthRecord {
  const before = memory.baseline.find((one) => one.name === name);
  const after = memory.final.find((one) => one.name === name);
  const isSame = before?.pid !== undefined && before.pid === after?.pid;
  return {
    name,
    beforeMiB: isSame ? (before?.rssMiB ?? null) : null,
    afterMiB: after?.rssMiB ?? null,
    heapMiB: [isSame ? (before?.heapMiB ?? null) : null, after?.heapMiB ?? null],
    mostMiB: Math.max(0, ...rss.map((mib) => mib ?? 0)),
    livedOn: isSame && memory.steady.includes(name),
  };
}

function rounded<T extends Disturbance>(one: T): T {
  return { ...one, from: Math.round(one.from * 10) / 10, to: Math.round(one.to * 10) / 10 };
}

function describedMachine(): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const load = loadavg()[0]?.toFixed(1);
  const cpu = cpus()[0]?.model.trim() ?? 'unknown';
  const system = `${platform()} ${release()}, Node ${process.versions.node}`;
  return `${availableParallelism()} cores (${cpu}), ${memory}, ${system}; load average at the end ${load}`;
}

/** What a process may grow by. */
export const mayGrowMiB = 50;

/** One sentence for each: of the oracle, of the processes, of their memory. */
export function brokenPromises({ verdict, trouble, memory }: SoakRecord): string[] {
  const grown = memory.filter(({ livedOn, beforeMiB, afterMiB }) => {
    return livedOn && beforeMiB !== null && afterMiB !== null && afterMiB - beforeMiB > mayGrowMiB;
  });
  return [
    ...verdict.violations,
    ...trouble,
    ...grown.map(({ name, beforeMiB, afterMiB }) => `${name} grew from ${beforeMiB} to ${afterMiB} MiB`),
  ];
}
