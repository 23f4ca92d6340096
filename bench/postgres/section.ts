import { openIndelible } from '../../src/agents/indelible.ts';
import { migrate, openPostgresStore } from '../../src/store/postgres/index.ts';
import type { Store } from '../../src/store/store.ts';
import { figures, type Goal, percentile, quantities, ratio, type Section } from '../figures.ts';
import { deadlineMs, type Save, savers, waits } from '../loads.ts';
import type { BenchOptions } from '../options.ts';
import { type BenchDatabase, withBenchDatabase } from '../peers/database.ts';
import type { Progress } from '../progress.ts';
import { inRounds } from '../rounds.ts';
import { Workload } from '../workload.ts';
import { bareGroups } from './bareGroups.ts';
import { copyRows } from './copy.ts';
import { InsertEach } from './insertEach.ts';
import { findPgbench, pgbench } from './pgbench.ts';
import { countRows, expectRows } from './rowCount.ts';
import { serverCpu } from './serverCpu.ts';
import { withoutHints } from './withoutHints.ts';

const about = `Messages per second that were answered "stored", each caller saving its next message when the last one is
answered. 600-byte messages for 100 plans but where one is named, each measurement in an empty database of the same
server, through a pool of 10 connections. Beside it, into the same table: one INSERT for each message, without head row,
by as many callers through a pool of 10; pgbench, one INSERT a transaction on 64 connections, prepared; and COPY of such
rows in one transaction, made beforehand. Bare groups are the product's statement in a loop: so many messages encoded and
committed at a time, nobody answered; what they reach, no way of committing such groups one after the other can exceed here.
p50 and p99 are from the call to its answer.`;

const units = {
  saves: 'msg/s',
  p50: 'ms',
  p99: 'ms',
  'CPU of the process': 'µs/msg',
  'CPU of PostgreSQL': 'µs/msg',
} as const;
type Measured = Partial<Record<keyof typeof units, number>>;

const pgbenchName = 'pgbench, 64 clients';

export function measurePostgres(options: BenchOptions, progress: Progress): Promise<Section> {
  return withBenchDatabase(options.directory, (database) => measureOn(database, options, progress));
}

async function measureOn(database: BenchDatabase, options: BenchOptions, progress: Progress): Promise<Section> {
  const { seconds, quick } = options;
  const program = findPgbench();
  const indelible = (
    callers: number,
    plans = 100,
    open: (url: string) => string | Promise<Store> = (url) => url,
    persistence: { readonly maxInFlight?: number } = {},
  ) =>
    measuring(database, async (url) => {
      const log = await openIndelible({ store: await open(url), persistence: { deadlineMs, ...persistence } });
      return { save: log.save.bind(log), close: () => log.close(), callers, plans, seconds };
    });
  const insertEach = (callers: number) =>
    measuring(database, async (url) => {
      const inserts = new InsertEach(url);
      return { save: inserts.save, close: () => inserts.close(), callers, plans: 100, seconds };
    });
  const rate = (measure: (url: string) => Promise<number>) => () =>
    withTables(database, async (url): Promise<Measured> => {
      const readServerCpu = await serverCpu(url);
      const cpuOfServer = readServerCpu?.() ?? 0;
      const saves = await measure(url);
      const usedByServer = readServerCpu && readServerCpu() - cpuOfServer;
      return { saves, ...(usedByServer && { 'CPU of PostgreSQL': usedByServer / (await countRows(url)) }) };
    });
  const found = await inRounds<string, Measured>(
    {
      '64 callers': indelible(64),
      '64 callers, one plan': indelible(64, 1),
      '1,000 callers': indelible(1_000),
      '64 callers, no NOTIFY': indelible(64, 100, (url) => openPostgresStore(url, { wake: withoutHints })),
      '1,000 callers, one batch at once': indelible(1_000, 100, undefined, { maxInFlight: 1 }),
      'one INSERT each, 64 callers': insertEach(64),
      'one INSERT each, 1,000 callers': insertEach(1_000),
      ...(program && { [pgbenchName]: rate((url) => pgbench(program, url, 64, seconds)) }),
      'bare groups of 64': rate((url) => bareGroups(url, new Workload(100), 64, seconds)),
      'bare groups of 1,000': rate((url) => bareGroups(url, new Workload(100), 1_000, seconds)),
      COPY: rate((url) => copyRows(url, new Workload(100), quick ? 2_000 : 60_000)),
    },
    options.rounds,
    progress,
  );
  const compare = (of: string, to: string, goal?: Goal) =>
    ratio(`${of} / ${to}`, quantities(found[of] ?? [], 'saves'), quantities(found[to] ?? [], 'saves'), goal);
  const toPgbench = (of: string, goal?: Goal) => (program === undefined ? [] : [compare(of, pgbenchName, goal)]);
  const left = program === undefined ? ' pgbench is not installed here and was left out.' : '';
  return {
    name: 'postgres',
    about: `${about}\n\nOn ${database.description}.${left}`,
    figures: Object.entries(found).flatMap(([name, rounds]) => figures(name, rounds, units)),
    ratios: [
      compare('64 callers', 'one INSERT each, 64 callers', { atLeast: 5 }),
      compare('64 callers, one plan', 'one INSERT each, 64 callers', { atLeast: 5 }),
      compare('1,000 callers', 'one INSERT each, 1,000 callers', { atLeast: 5 }),
      ...toPgbench('64 callers', { atLeast: 3 }),
      ...toPgbench('64 callers, one plan', { atLeast: 3 }),
      ...toPgbench('1,000 callers', { atLeast: 3 }),
      compare('64 callers', 'COPY', { atLeast: 0.33 }),
      compare('64 callers, one plan', 'COPY', { atLeast: 0.33 }),
      compare('1,000 callers', 'COPY', { atLeast: 0.65 }),
      compare('64 callers', '64 callers, no NOTIFY'),
      compare('1,000 callers', '1,000 callers, one batch at once'),
      compare('64 callers', 'bare groups of 64'),
      compare('1,000 callers', 'bare groups of 1,000'),
      compare('bare groups of 64', 'one INSERT each, 64 callers'),
      compare('bare groups of 1,000', 'one INSERT each, 1,000 callers'),
      compare('bare groups of 64', 'COPY'),
      compare('bare groups of 1,000', 'COPY'),
    ],
  };
}

function withTables<T>(database: BenchDatabase, action: (url: string) => Promise<T>): Promise<T> {
  return database.withEmpty(async (url) => {
    await migrate(url);
    return action(url);
  });
}

interface Measurement {
  readonly save: Save;
  readonly close: () => Promise<void>;
  readonly callers: number;
  readonly plans: number;
  readonly seconds: number;
}

/** What is acknowledged, warm-up included, must be in the database afterwards. */
function measuring(database: BenchDatabase, open: (url: string) => Promise<Measurement>): () => Promise<Measured> {
  return () =>
    withTables(database, async (url) => {
      const { save, close, callers, plans, seconds } = await open(url);
      const workload = new Workload(plans);
      const before = await savers(callers, seconds * 0.2)(save, workload);
      const readServerCpu = await serverCpu(url);
      const [cpu, cpuOfServer] = [process.cpuUsage(), readServerCpu?.() ?? Number.NaN];
      const loaded = await savers(callers, seconds)(save, workload);
      const messages = loaded.messageIds.length;
      const { user, system } = process.cpuUsage(cpu);
      const usedByServer = readServerCpu && readServerCpu() - cpuOfServer;
      await close();
      await expectRows(url, before.messageIds.length + messages);
      return {
        saves: (messages / loaded.tookMs) * 1000,
        p50: percentile(waits(loaded), 0.5),
        p99: percentile(waits(loaded), 0.99),
        'CPU of the process': (user + system) / messages,
        ...(usedByServer !== undefined && { 'CPU of PostgreSQL': usedByServer / messages }),
      };
    });
}
