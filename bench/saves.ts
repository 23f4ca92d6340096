import { MessagePersistenceService } from '../src/persistence/messagePersistenceService.ts';
import { openSqliteStore } from '../src/store/sqlite/index.ts';
import { BareLoop } from './bareLoop.ts';
import { withDatabaseFile } from './databaseFiles.ts';
import { figure, percentile, ratio, type Section } from './figures.ts';
import { type LoopLag, measuringLoopLag } from './loopLag.ts';
import type { BenchOptions } from './options.ts';
import type { Progress } from './progress.ts';
import { inRounds } from './rounds.ts';
import { Workload } from './workload.ts';

interface Measured {
  readonly perSecond: number;
  /** From the call to its answer, in ms. */
  readonly p50: number;
  readonly p99: number;
  /** Absent where the loop does not turn at all. */
  readonly lag?: LoopLag;
}

const about = `Messages per second that were answered "stored", each saver saving its next message when the last one is
answered. 600-byte messages over 100 plans, a fresh file on disk, WAL, synchronous=FULL. A bare loop does the least that
anybody must do (encode once, insert, count up the head, commit) with the same tables and prepared statements; it checks
nothing, answers nobody and never yields.`;

export async function measureSaves(options: BenchOptions, progress: Progress): Promise<Section> {
  const { directory, seconds } = options;
  const bare = (group: number) => () => withDatabaseFile(directory, (path) => bareLoop(path, group, seconds));
  const savers = (count: number, plans = 100) => () =>
    withDatabaseFile(directory, (path) => concurrentSavers(path, count, plans, seconds));
  const found = await inRounds(
    {
      'one INSERT per transaction': bare(1),
      '1 saver': savers(1),
      'bare loop, groups of 64': bare(64),
      '64 savers': savers(64),
      '64 savers, one plan': savers(64, 1),
      'bare loop, groups of 1,000': bare(1_000),
      '1,000 savers': savers(1_000),
    },
    options.rounds,
    progress,
  );
  const rates = (name: keyof typeof found) => found[name].map(({ perSecond }) => perSecond);
  const figures = Object.entries(found).flatMap(([name, rounds]) => {
    const of = (what: string, pick: (one: Measured) => number | undefined) =>
      figure(`${name}: ${what}`, 'ms', rounds.map((one) => pick(one) ?? Number.NaN));
    const rate = figure(name, 'msg/s', rounds.map(({ perSecond }) => perSecond));
    const waits = [of('p50', ({ p50 }) => p50), of('p99', ({ p99 }) => p99)];
    if (rounds[0]?.lag === undefined) return [rate, ...waits];
    return [rate, ...waits, of('loop away p50', ({ lag }) => lag?.p50), of('loop away p99', ({ lag }) => lag?.p99)];
  });
  return {
    name: 'saves',
    about,
    figures,
    ratios: [
      ratio('64 savers / one INSERT per transaction', rates('64 savers'), rates('one INSERT per transaction'), {
        atLeast: 8,
      }),
      ratio('64 savers / bare loop, groups of 64', rates('64 savers'), rates('bare loop, groups of 64'), { atLeast: 0.7 }),
      ratio('1,000 savers / bare loop, groups of 1,000', rates('1,000 savers'), rates('bare loop, groups of 1,000')),
      ratio('1 saver / one INSERT per transaction', rates('1 saver'), rates('one INSERT per transaction')),
      ratio('64 savers, one plan / 64 savers, 100 plans', rates('64 savers, one plan'), rates('64 savers')),
    ],
  };
}

function bareLoop(path: string, group: number, seconds: number): Measured {
  const workload = new Workload(100);
  const loop = new BareLoop(path, workload.planIds);
  const waits: number[] = [];
  let made = 0;
  const run = (until: number) => {
    for (let now = performance.now(); now < until; ) {
      loop.commit(Array.from({ length: group }, () => workload.message(made++)));
      const end = performance.now();
      waits.push(end - now);
      now = end;
    }
  };
  run(performance.now() + warmUpMs(seconds));
  made = 0;
  waits.length = 0;
  const start = performance.now();
  run(start + seconds * 1000);
  const elapsed = performance.now() - start;
  loop.close();
  return { perSecond: (made / elapsed) * 1000, p50: percentile(waits, 0.5), p99: percentile(waits, 0.99) };
}

async function concurrentSavers(path: string, count: number, plans: number, seconds: number): Promise<Measured> {
  const workload = new Workload(plans);
  const store = openSqliteStore(path);
  const persistence = new MessagePersistenceService({ log: store.log });
  let made = 0;
  const run = async (until: number): Promise<number[]> => {
    const waits: number[] = [];
    const saver = async () => {
      for (let now = performance.now(); now < until; ) {
        const { status } = await persistence.save(workload.message(made++));
        if (status !== 'stored') throw new Error(`a save was answered ${status}`);
        const end = performance.now();
        waits.push(end - now);
        now = end;
      }
    };
    await Promise.all(Array.from({ length: count }, saver));
    return waits;
  };
  const before = await run(performance.now() + warmUpMs(seconds));
  const start = performance.now();
  const { result: waits, lag } = await measuringLoopLag(() => run(start + seconds * 1000));
  const elapsed = performance.now() - start;
  const heads = await store.log.heads(workload.planIds);
  const stored = [...heads.values()].reduce((sum, { sequence }) => sum + sequence, 0);
  const acknowledged = before.length + waits.length;
  if (stored !== acknowledged) throw new Error(`${acknowledged} messages were acknowledged, ${stored} are stored`);
  await persistence.close();
  await store.close();
  return { perSecond: (waits.length / elapsed) * 1000, p50: percentile(waits, 0.5), p99: percentile(waits, 0.99), lag };
}

function warmUpMs(seconds: number): number {
  return Math.min(300, seconds * 300);
}
