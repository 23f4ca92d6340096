import { type Indelible, openIndelible } from '../src/agents/indelible.ts';
import { type NewMessage, prepareMessage } from '../src/protocol/message.ts';
import type { MessageLog } from '../src/store/messageLog.ts';
import { withDatabaseFiles } from './databaseFiles.ts';
import { figures, percentile, quantities, ratio, type Section } from './figures.ts';
import { deadlineMs } from './loads.ts';
import type { BenchOptions } from './options.ts';
import { withBenchDatabase } from './peers/database.ts';
import type { Progress } from './progress.ts';
import { inRounds } from './rounds.ts';
import { Workload } from './workload.ts';

const messagesInTheLongPlan = 1_000_000;
const pageLength = 100;

const about = `Ms for one save, from the call to its answer, to a plan with 1,000,000 messages, to an empty plan beside it,
and to an empty plan in a database that holds nothing else: in turns, message by message, one caller. And ms to read a page
of 100 at the start, in the middle and at the end of the long plan, in turns. 600-byte messages.`;

const units = { p50: 'ms', p99: 'ms' } as const;
type Measured = Record<keyof typeof units, number>;
type Contenders = Record<string, Measured>;

const goal = { atMost: 1.2 };
const long = 'save, 1,000,000 messages';
const empty = 'save, empty plan';
const alone = 'save, empty database';

export async function measureLongPlan(options: BenchOptions, progress: Progress): Promise<Section> {
  const postgres = await withBenchDatabase(options.directory, (database) =>
    database.withEmpty((full) =>
      database.withEmpty(async (other) => ({
        description: database.description,
        rounds: await measureStore('PostgreSQL', full, other, options, progress),
      })),
    ),
  );
  const sqlite = await withDatabaseFiles(options.directory, (newPath) =>
    measureStore('SQLite', `sqlite:${newPath()}`, `sqlite:${newPath()}`, options, progress),
  );
  const stores = { PostgreSQL: postgres.rounds, SQLite: sqlite };
  const all = Object.entries(stores).flatMap(([store, rounds]) =>
    Object.keys(rounds[0] ?? {}).map((name) => ({
      name: `${store}, ${name}`,
      rounds: rounds.map((round) => round[name] as Measured),
    })),
  );
  const compare = (of: string, to: string, quantity: keyof Measured, aim?: typeof goal) => {
    const found = (wanted: string) => quantities(all.find(({ name }) => name === wanted)?.rounds ?? [], quantity);
    return ratio(`${of} / ${to}: ${quantity}`, found(of), found(to), aim);
  };
  return {
    name: 'long-plan',
    about: `${about}\n\nOn ${postgres.description}.`,
    figures: all.flatMap(({ name, rounds }) => figures(name, rounds, units)),
    ratios: Object.keys(stores).flatMap((store) => [
      compare(`${store}, ${long}`, `${store}, ${empty}`, 'p50', goal),
      compare(`${store}, ${long}`, `${store}, ${empty}`, 'p99', goal),
      compare(`${store}, ${long}`, `${store}, ${alone}`, 'p50'),
      compare(`${store}, ${long}`, `${store}, ${alone}`, 'p99'),
      compare(`${store}, page in the middle`, `${store}, page at the start`, 'p50', goal),
      compare(`${store}, page at the end`, `${store}, page at the start`, 'p50', goal),
    ]),
  };
}

async function measureStore(
  store: string,
  full: string,
  other: string,
  options: BenchOptions,
  progress: Progress,
): Promise<Contenders[]> {
  const messages = options.quick ? 20_000 : messagesInTheLongPlan;
  const [log, otherLog] = await Promise.all([open(full), open(other)]);
  try {
    progress(`${store}: writing ${messages} messages`);
    await fill(log.store.log, messages);
    let round = 0;
    const measure = async () => ({
      ...(await measureSaves(log, otherLog, `empty-${++round}`, options.seconds)),
      ...(await measurePages(log.store.log, messages, options.seconds)),
    });
    await measure();
    return (await inRounds({ [store]: measure }, options.rounds, progress))[store] ?? [];
  } finally {
    await Promise.all([log.close(), otherLog.close()]);
  }
}

function open(store: string): Promise<Indelible> {
  return openIndelible({ store, persistence: { deadlineMs } });
}

const workload = new Workload(1);

function messageFor(planId: string, n: number): NewMessage {
  return { ...workload.message(n), planId };
}

async function fill(log: MessageLog, count: number): Promise<void> {
  for (let made = 0; made < count; ) {
    const batch = Array.from({ length: Math.min(10_000, count - made) }, () =>
      prepareMessage(messageFor('long', made++), { now: Date.now }),
    );
    await log.append(batch);
  }
}

async function measureSaves(log: Indelible, other: Indelible, name: string, seconds: number): Promise<Contenders> {
  const save = (target: Indelible, planId: string) => async (n: number) => {
    const { status } = await target.save(messageFor(planId, n));
    if (status !== 'stored') throw new Error(`a save was answered ${status}`);
  };
  const saves = { [long]: save(log, 'long'), [empty]: save(log, name), [alone]: save(other, name) };
  return inTurns(saves, seconds);
}

function measurePages(log: MessageLog, messages: number, seconds: number): Promise<Contenders> {
  const read = (sequence: number) => async () => {
    const page = await log.read('long', { sequence, revision: 0 }, pageLength);
    const [first] = page.messages;
    if (page.messages.length === pageLength && first?.sequence === sequence + 1) return;
    throw new Error(`behind ${sequence} there are ${page.messages.length} messages from ${first?.sequence}`);
  };
  const pages = {
    'page at the start': read(0),
    'page in the middle': read(messages / 2),
    'page at the end': read(messages - pageLength),
  };
  return inTurns(pages, seconds);
}

/** Calls one after the other, A B C C B A A B C …, and notes how long each took: what slows one slows all. */
async function inTurns(
  calls: Readonly<Record<string, (n: number) => Promise<void>>>,
  seconds: number,
): Promise<Contenders> {
  const names = Object.keys(calls);
  const waits = new Map(names.map((name): [string, number[]] => [name, []]));
  const until = performance.now() + seconds * 1000;
  for (let n = 0; performance.now() < until; n++) {
    for (const name of n % 2 === 0 ? names : names.toReversed()) {
      const start = performance.now();
      await calls[name]?.(n);
      waits.get(name)?.push(performance.now() - start);
    }
  }
  return Object.fromEntries(
    [...waits].map(([name, ms]) => [name, { p50: percentile(ms, 0.5), p99: percentile(ms, 0.99) }]),
  );
}
