import { withDatabaseFiles } from './databaseFiles.ts';
import { type Figure, figures, quantities, type Ratio, ratio, type Section } from './figures.ts';
import { type Layout, layouts } from './layout.ts';
import { type FileSettings, type Filling, type IdKind, LayoutFile } from './layoutFile.ts';
import type { BenchOptions } from './options.ts';
import type { Progress } from './progress.ts';
import { inRounds } from './rounds.ts';

const about = `The same messages in SQLite in several ways (docs/adr/0010-sqlite-layout.md): messages per second in
groups of 64 over 100 plans, p99 and maximum of a group's commit, what goes to the write-ahead log, ms to read 10,000 messages by their
plans, size of the file. Once in an empty file; once behind 1,000,000 rows in plans of 25, where plans that are full give
way to new ones; once where the 1,000,000 rows are in the same 100 plans. Ids are UUIDs of version 7, or text in no order,
as model APIs give it.`;

const units = {
  writes: 'msg/s',
  'commit p99': 'ms',
  'commit max': 'ms',
  log: 'KB/msg',
  read: 'ms',
  file: 'MB',
} as const;
type Measured = Partial<Record<keyof typeof units, number>>;

interface Setting {
  readonly filling: Filling;
  readonly idKind: IdKind;
  /** The first is what the others are compared with. */
  readonly contenders: readonly Contender[];
}

interface Contender {
  readonly name: string;
  readonly layout: Layout;
  readonly settings: FileSettings;
}

const usual: FileSettings = { pageSize: 8192, checkpointPages: 1000 };

/** Tables and indexes against each other. */
export async function measureLayouts(options: BenchOptions, progress: Progress): Promise<Section> {
  const { empty, short, long } = fillings(options);
  const contenders = layouts.map((layout) => ({ name: layout.name, layout, settings: usual }));
  const settings = [
    ...[empty, short, long].map((filling): Setting => ({ filling, idKind: 'uuid v7', contenders })),
    ...[short, long].map((filling): Setting => ({ filling, idKind: 'random text', contenders })),
  ];
  return section('layouts', settings, options, progress);
}

/** Sizes of pages and of the write-ahead log against each other. */
export async function measurePages(options: BenchOptions, progress: Progress): Promise<Section> {
  const { empty, short, long } = fillings(options);
  const [layout] = layouts as [Layout];
  const contenders = [
    usual,
    { pageSize: 4096, checkpointPages: 1000 },
    { pageSize: 4096, checkpointPages: 2000 },
    { pageSize: 8192, checkpointPages: 4000 },
    { pageSize: 16384, checkpointPages: 1000 },
  ].map((settings) => ({ name: `${settings.checkpointPages} pages of ${settings.pageSize}`, layout, settings }));
  const settings = [empty, short, long].map((filling): Setting => ({ filling, idKind: 'uuid v7', contenders }));
  return section('pages', settings, options, progress);
}

function fillings({ quick }: BenchOptions): Record<'empty' | 'short' | 'long', Filling> {
  const rows = quick ? 10_000 : 1_000_000;
  return {
    empty: { name: 'empty', rows: 0, messagesPerPlan: 25 },
    short: { name: 'plans of 25', rows, messagesPerPlan: 25 },
    long: { name: 'long plans', rows, messagesPerPlan: Number.POSITIVE_INFINITY },
  };
}

async function section(name: string, settings: Setting[], options: BenchOptions, progress: Progress): Promise<Section> {
  const found: { figures: Figure[]; ratios: Ratio[] }[] = [];
  for (const setting of settings) found.push(await measure(setting, options, progress));
  return {
    name,
    about,
    figures: found.flatMap((one) => one.figures),
    ratios: found.flatMap((one) => one.ratios),
  };
}

function measure(
  { filling, idKind, contenders }: Setting,
  { directory, rounds, seconds }: BenchOptions,
  progress: Progress,
): Promise<{ figures: Figure[]; ratios: Ratio[] }> {
  const setting = `${filling.name}, ${idKind}`;
  return withDatabaseFiles(directory, async (newPath) => {
    const turns = contenders.map(({ name, layout, settings }): [string, () => Promise<Measured>] => {
      progress(`${setting}: filling ${name}`);
      const file = new LayoutFile(newPath(), layout, settings, filling, idKind);
      const filled = filling.rows === 0 ? {} : { file: file.megabytes };
      return [
        name,
        async () => {
          const reads = filling.rows === 0 ? {} : { read: file.measureReads() };
          const { perSecond, p99Ms, maxMs } = file.measureWrites(seconds);
          return {
            writes: perSecond,
            'commit p99': p99Ms,
            'commit max': maxMs,
            log: file.measureLogSize(),
            ...reads,
            ...filled,
          };
        },
      ];
    });
    const found = await inRounds(Object.fromEntries(turns), rounds, (text) => progress(`${setting}: ${text}`));
    const [first, ...others] = contenders.map(({ name }) => name) as [string, ...string[]];
    const of = (name: string, quantity: keyof Measured) => quantities(found[name] ?? [], quantity);
    return {
      figures: Object.entries(found).flatMap(([name, all]) => figures(`${setting}: ${name}`, all, units)),
      ratios: others.flatMap((name) =>
        (['writes', ...(filling.rows === 0 ? [] : (['read'] as const))] as const).map((quantity) =>
          ratio(`${setting}: ${quantity}: ${name} / ${first}`, of(name, quantity), of(first, quantity)),
        ),
      ),
    };
  });
}
