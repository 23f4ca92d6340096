import { ClientProcess } from './clientProcess.ts';
import { withDatabaseFiles } from './databaseFiles.ts';
import { figures, percentile, quantities, ratio, type Section } from './figures.ts';
import { arriving, type Load, type Loaded, savers, waits } from './loads.ts';
import { measuringLoopLag } from './loopLag.ts';
import type { BenchOptions } from './options.ts';
import type { Progress } from './progress.ts';
import { inRounds } from './rounds.ts';
import { serving } from './servedLog.ts';
import type { WatcherAnswer, WatcherQuestion } from './watcher.ts';
import { Workload } from './workload.ts';

const plans = 100;

const about = `From the moment a message arrives in the agent's process to the moment its frame is there at a WebSocket of
another process (\`ws\`, one socket for each of 100 plans), beside the same arrivals with nobody watching, from arrival to
the answer "stored". Arrivals are random (Poisson) at the rate named, made by a thread of their own. Then 64 savers that
never pause, watched and not.`;

const units = {
  saves: 'msg/s',
  'stored p50': 'ms',
  'stored p99': 'ms',
  'frame p50': 'ms',
  'frame p99': 'ms',
  'loop away p50': 'ms',
  'loop away p99': 'ms',
  'loop away max': 'ms',
} as const;
type Measured = Partial<Record<keyof typeof units, number>>;

export async function measureFrames(options: BenchOptions, progress: Progress): Promise<Section> {
  const { seconds } = options;
  const loads = {
    '100 msg/s': arriving(100, seconds),
    '1,000 msg/s': arriving(1_000, seconds),
    '5,000 msg/s': arriving(5_000, seconds),
    '64 savers': savers(64, seconds),
  };
  const run = (load: Load, isWatched: boolean) =>
    withDatabaseFiles(options.directory, (newPath) => measureWatched(newPath(), load, isWatched && 'v3'));
  const contenders = Object.entries(loads).flatMap(([name, load]): [string, () => Promise<Measured>][] => [
    [name, () => run(load, false)],
    [watched(name), () => run(load, true)],
  ]);
  progress('warming up');
  await run(savers(64, Math.min(1, seconds)), true);
  const found = await inRounds(Object.fromEntries(contenders), options.rounds, progress);
  const compare = (name: string, of: keyof typeof units, to: keyof typeof units) =>
    ratio(
      `${watched(name)}: ${of} / ${name}: ${to}`,
      quantities(found[watched(name)] ?? [], of),
      quantities(found[name] ?? [], to),
    );
  return {
    name: 'frames',
    about,
    figures: Object.entries(found).flatMap(([name, rounds]) => figures(name, rounds, units)),
    ratios: [
      ...Object.keys(loads).flatMap((name) => [
        compare(name, 'frame p50', 'stored p50'),
        compare(name, 'frame p99', 'stored p99'),
      ]),
      compare('64 savers', 'saves', 'saves'),
    ],
  };
}

function watched(name: string): string {
  return `${name}, watched`;
}

/** `by`: what watches each plan, if anything does. */
export function measureWatched(path: string, load: Load, by: 'v3' | 'indelible.v1' | false): Promise<Measured> {
  return serving(path, async ({ indelible, server }) => {
    const workload = new Workload(plans);
    const watchers = by ? new ClientProcess<WatcherQuestion, WatcherAnswer>('./watcher.ts') : undefined;
    try {
      if (by) await watchers?.ask({ ask: 'watch', by, url: server.url, planIds: workload.planIds });
      const { result: loaded, lag } = await measuringLoopLag(() => load(indelible.save.bind(indelible), workload));
      const frames = await watchers?.ask({ ask: 'frames', count: loaded.messageIds.length });
      const framesBehind = frames && behindArrival(loaded, frames);
      return {
        saves: (loaded.messageIds.length / loaded.tookMs) * 1000,
        'stored p50': percentile(waits(loaded), 0.5),
        'stored p99': percentile(waits(loaded), 0.99),
        ...(framesBehind && {
          'frame p50': percentile(framesBehind, 0.5),
          'frame p99': percentile(framesBehind, 0.99),
        }),
        'loop away p50': lag.p50,
        'loop away p99': lag.p99,
        'loop away max': lag.max,
      };
    } finally {
      await watchers?.end();
    }
  });
}

/** How long behind its arrival each message was shown, in ms. Every message must have been, once. */
function behindArrival({ messageIds, arrivedAt }: Loaded, frames: WatcherAnswer): number[] {
  const arrivals = new Map(messageIds.map((messageId, index) => [messageId, arrivedAt[index]]));
  if (frames.messageIds.length !== arrivals.size || new Set(frames.messageIds).size !== arrivals.size) {
    throw new Error(`${arrivals.size} messages were stored, ${frames.messageIds.length} frames came`);
  }
  return frames.messageIds.map(
    (messageId, index) => (frames.times[index] ?? Number.NaN) - (arrivals.get(messageId) ?? Number.NaN),
  );
}
