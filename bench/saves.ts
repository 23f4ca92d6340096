import { MessagePersistenceService, type PersistenceOptions } from '../src/persistence/messagePersistenceService.ts';
import { openSqliteStore } from '../src/store/sqlite/index.ts';
import { BareLoop } from './bareLoop.ts';
import { withDatabaseFiles } from './databaseFiles.ts';
import { figures, percentile, quantities, ratio, type Section } from './figures.ts';
import { deadlineMs, savers, waits } from './loads.ts';
import { measuringLoopLag } from './loopLag.ts';
import type { BenchOptions } from './options.ts';
import type { Progress } from './progress.ts';
import { inRounds } from './rounds.ts';
import { Workload } from './workload.ts';

const about = `Messages per second that were answered "stored", each saver saving its next message when the last one is
answered. 600-byte messages over 100 plans, a fresh file on disk, WAL, synchronous=FULL. The bare loop does the least that
anybody must do (encode once, insert, count up the head, commit) with the same tables and prepared statements; it checks
nothing, answers nobody and never yields. p50 and p99 are from the call to its answer, of the bare loop per commit.`;

const units = {
  saves: 'msg/s',
  cpu: 'µs/msg',
  p50: 'ms',
  p99: 'ms',
  'loop away p50': 'ms',
  'loop away p99': 'ms',
} as const;
type Measured = Partial<Record<keyof typeof units, number>>;

export async function measureSaves(options: BenchOptions, progress: Progress): Promise<Section> {
  const { directory, seconds } = options;
  const bare = (group: number) => () =>
    withDatabaseFiles(directory, (newPath) => bareLoop(newPath(), group, seconds * 1000));
  const indelible =
    (count: number, plans = 100, persistence: Partial<PersistenceOptions> = {}) =>
    () =>
      withDatabaseFiles(directory, (newPath) => concurrentSavers(newPath(), count, plans, seconds, persistence));
  const found = await inRounds(
    {
      'bare loop, one INSERT per transaction': bare(1),
      '1 saver': indelible(1),
      '64 savers, one INSERT per transaction': indelible(64, 100, { maxBatch: 1 }),
      'bare loop, groups of 64': bare(64),
      '64 savers': indelible(64),
      '64 savers, one plan': indelible(64, 1),
      'bare loop, groups of 1,000': bare(1_000),
      '1,000 savers': indelible(1_000),
    },
    options.rounds,
    progress,
  );
  const compare = (of: keyof typeof found, to: keyof typeof found, goal?: { readonly atLeast: number }) =>
    ratio(`${of} / ${to}`, quantities(found[of], 'saves'), quantities(found[to], 'saves'), goal);
  return {
    name: 'saves',
    about,
    figures: Object.entries(found).flatMap(([name, rounds]) => figures(name, rounds, units)),
    ratios: [
      compare('64 savers', 'bare loop, one INSERT per transaction', { atLeast: 8 }),
      compare('64 savers', 'bare loop, groups of 64', { atLeast: 0.7 }),
      compare('bare loop, groups of 64', 'bare loop, one INSERT per transaction'),
      compare('64 savers', '64 savers, one INSERT per transaction'),
      compare('1,000 savers', 'bare loop, groups of 1,000'),
      compare('1 saver', 'bare loop, one INSERT per transaction'),
      compare('64 savers, one plan', '64 savers'),
    ],
  };
}

function bareLoop(path: string, group: number, ms: number): Measured {
  const workload = new Workload(100);
  const loop = new BareLoop(path, workload.planIds);
  let made = 0;
  const run = (until: number): number[] => {
    const commits: number[] = [];
    for (let now = performance.now(); now < until; ) {
      loop.commit(Array.from({ length: group }, () => workload.message(made++)));
      const end = performance.now();
      commits.push(end - now);
      now = end;
    }
    return commits;
  };
  run(performance.now() + warmUp(ms));
  const cpu = process.cpuUsage();
  const start = performance.now();
  const commits = run(start + ms);
  const perSecond = ((commits.length * group) / (performance.now() - start)) * 1000;
  const cpuPerMessage = microseconds(process.cpuUsage(cpu)) / (commits.length * group);
  loop.close();
  return { saves: perSecond, cpu: cpuPerMessage, p50: percentile(commits, 0.5), p99: percentile(commits, 0.99) };
}

async function concurrentSavers(
  path: string,
  count: number,
  plans: number,
  seconds: number,
  options: Partial<PersistenceOptions>,
): Promise<Measured> {
  const workload = new Workload(plans);
  const store = openSqliteStore(path);
  const persistence = new MessagePersistenceService({ deadlineMs, ...options, log: store.log });
  const save = persistence.save.bind(persistence);
  const before = await savers(count, warmUp(seconds))(save, workload);
  const cpu = process.cpuUsage();
  const { result: loaded, lag } = await measuringLoopLag(() => savers(count, seconds)(save, workload));
  const cpuPerMessage = microseconds(process.cpuUsage(cpu)) / loaded.messageIds.length;
  const heads = await store.log.heads(workload.planIds);
  const stored = [...heads.values()].reduce((sum, { sequence }) => sum + sequence, 0);
  const acknowledged = before.messageIds.length + loaded.messageIds.length;
  if (stored !== acknowledged) throw new Error(`${acknowledged} messages were acknowledged, ${stored} are stored`);
  await persistence.close();
  await store.close();
  return {
    saves: (loaded.messageIds.length / loaded.tookMs) * 1000,
    cpu: cpuPerMessage,
    p50: percentile(waits(loaded), 0.5),
    p99: percentile(waits(loaded), 0.99),
    'loop away p50': lag.p50,
    'loop away p99': lag.p99,
  };
}

function microseconds({ user, system }: NodeJS.CpuUsage): number {
  return user + system;
}

/** How much of the time to run before it counts. */
function warmUp(time: number): number {
  return time * 0.1;
}
