import { setTimeout as sleep } from 'node:timers/promises';
import { oneTo } from '../../src/testing/contract/sampleMessages.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { HttpAgent } from './agents/httpAgent.ts';
import { type Disturbance, Disturbances } from './disturbances.ts';
import { Gate } from './gate.ts';
import type { KeptProcess } from './keptProcess.ts';
import type { Lane } from './lane.ts';
import { Samples } from './samples.ts';
import { type MemoryOf, memoryOf } from './settledMemory.ts';
import type { SoakOptions } from './soakOptions.ts';
import { type SoakRecord, soakRecord } from './soakRecord.ts';
import { SoakWatcher } from './soakWatcher.ts';
import { type Stage, setStage } from './stage.ts';
import { Timeline } from './timeline.ts';
import { lastMessages, verdictOf } from './verdict.ts';

const patienceMs = 120_000;

/**
 * Agents save for some minutes while the database and the processes fail, and watchers come and go. Answers all that was
 * seen, with what the oracle says and how much the processes grew. It is the one place that knows the order of things:
 * warm-up, first measurement, the rest of the time, all mended, second measurement, oracle.
 */
export async function runSoak(options: SoakOptions, tell: (line: string) => void = () => {}): Promise<SoakRecord> {
  const { seed, minutes, warmUpMs } = options;
  const planIds = oneTo(options.plans).map((number) => `plan-${String(number).padStart(2, '0')}`);
  const crew = crewOf(options, planIds);
  let timeline = new Timeline(performance.now());
  const stage = await setStage(options, planIds, crew.hosted, (report) => {
    if (report.type === 'second') for (const [answered, ms] of report.saves) timeline.add(answered, ms);
  });
  try {
    const { servers, hosts } = stage;
    const processes = [...servers, ...hosts];
    await Promise.all(servers.map((server) => server.start()));
    const watchers = planIds.map(
      (planId, index) => new SoakWatcher({ ...options, ...stage, planId, random: new SeededRandom(seed + index) }),
    );
    for (const watcher of watchers) void watcher.run();
    while (!watchers.every(({ hasBegun }) => hasBegun)) await sleep(20);
    const startedAt = new Date();
    const zero = performance.now();
    const now = () => (performance.now() - zero) / 1_000;
    timeline = new Timeline(zero);
    await Promise.all(hosts.map((host) => host.start()));
    const gate = new Gate();
    const agents = crew.overHttp.map(({ lane, first, failsOver }) => {
      const own = first === 0 ? servers : servers.toReversed();
      return new HttpAgent({ folder: stage.folder, seed, lane, servers: own, failsOver, gate, timeline });
    });
    for (const agent of agents) void agent.run();
    const samples = new Samples(processes, now);
    const disturbances = new Disturbances(options, stage, now);
    const pause = async () => {
      await Promise.all([gate.close(), ...hosts.map((host) => host.pause())]);
      await untilDrained(processes);
    };
    const pauses: Disturbance[] = [];
    // Those that live on from early in the warm-up: what was just started has yet to grow to the size it works in.
    const steady: readonly KeptProcess[] = [servers[1], hosts[1]];
    const others = processes.filter((one) => !steady.includes(one));
    let baseline: MemoryOf[] = [];
    const end = minutes * 60;
    if (warmUpMs > 0) {
      await disturbances.rage(warmUpMs / 3_000, processes);
      await disturbances.rage(warmUpMs / 1_000, others);
      tell(`${clock(now())} warm: ${disturbances.all.length} faults so far`);
      const from = now();
      await pause();
      baseline = await memoryOf(processes);
      gate.open();
      for (const host of hosts) host.tell('resume');
      pauses.push({ what: 'memory measured', of: 'process', from, to: now() });
    }
    const ticker = setInterval(() => tell(`${clock(now())} of ${clock(end)}`), 60_000);
    await disturbances.rage(end, warmUpMs > 0 ? others : processes);
    clearInterval(ticker);
    const from = now();
    for (const agent of agents) agent.stop();
    await pause();
    pauses.push({ what: 'drained', of: 'process', from, to: now() });
    const final = warmUpMs > 0 ? await memoryOf(processes) : [];
    const last = await lastMessages(stage.url, planIds);
    await Promise.all(watchers.map((watcher) => watcher.end(last.get(watcher.planId), patienceMs)));
    samples.end();
    const stopped = await Promise.all(processes.map(async (one) => ({ name: one.name, code: await one.stop() })));
    tell(`${clock(now())} over; the oracle reads`);
    const verdict = await verdictOf(stage.folder, stage.url, seed);
    return soakRecord({
      options,
      startedAt,
      seconds: Math.ceil(now()),
      timeline,
      series: samples.series,
      disturbances: disturbances.all,
      pauses,
      memory: { baseline, final, steady: steady.map(({ name }) => name) },
      verdict,
      trouble: troubleOf(stage, agents, stopped),
      starts: processes.map(({ name, starts }) => ({ name, starts })),
    });
  } finally {
    await stage.close();
  }
}

interface Crew {
  readonly overHttp: readonly { readonly lane: Lane; readonly first: 0 | 1; readonly failsOver: boolean }[];
  readonly hosted: readonly (readonly (Lane & { readonly atOnce: number })[])[];
}

/**
 * Of ten agents eight write over HTTP, one lives in each host. A plan has agents of several processes. Of those over HTTP
 * a quarter has three requests in flight, each a lane of its own, and a quarter fails over.
 */
function crewOf({ agents }: SoakOptions, planIds: readonly string[]): Crew {
  const overHttp: Crew['overHttp'][number][] = [];
  const hosted: (Lane & { atOnce: number })[][] = [[], []];
  for (const number of oneTo(agents)) {
    const planId = planIds[(number * 7) % planIds.length] as string;
    const agentName = `agent-${String(number).padStart(3, '0')}`;
    const place = number % 10;
    if (place < 2) {
      hosted[place]?.push({ planId, agentName, name: agentName, atOnce: number % 20 < 10 ? 1 : 4 });
      continue;
    }
    for (const lane of oneTo(place % 4 === 0 ? 3 : 1)) {
      const name = `${agentName}.${lane}`;
      overHttp.push({ lane: { planId, agentName, name }, first: (place % 2) as 0 | 1, failsOver: place > 7 });
    }
  }
  return { overHttp, hosted };
}

async function untilDrained(processes: readonly { spoolDepth(): Promise<number | undefined> }[]): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const depths = await Promise.all(processes.map((one) => one.spoolDepth()));
    if (depths.every((depth) => depth === 0)) return;
    if (performance.now() > deadline) throw new Error(`the spools are not drained after two minutes: ${depths.join()}`);
    await sleep(200);
  }
}

/** What must not be, beside broken promises of the log. */
function troubleOf(
  { servers, hosts }: Stage,
  agents: readonly HttpAgent[],
  stopped: readonly { readonly name: string; readonly code: number | null }[],
): string[] {
  return [
    ...[...servers, ...hosts].flatMap(({ endings, log }) =>
      endings.map((ending) => `${ending}:\n${log.slice(-2_000)}`),
    ),
    ...agents.flatMap(({ refusals }) => refusals.slice(0, 5)),
    ...stopped.filter(({ code }) => code !== 0).map(({ name, code }) => `${name} stopped with ${code}`),
  ];
}

function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}
