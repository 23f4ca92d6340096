import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Figure, figures, quantities, type Ratio, ratio, type Section } from '../figures.ts';
import type { BenchOptions } from '../options.ts';
import type { Progress } from '../progress.ts';
import { inRounds } from '../rounds.ts';
import type { MeasureAnswer, Measured } from './contender.ts';
import { ContenderProcess } from './contenderProcess.ts';
import { type Contender, contenders, durableStreams, indelible, indelibleOverHttp } from './contenders.ts';
import { type BenchDatabase, withBenchDatabase } from './database.ts';
import { installPeers } from './install.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const plans = 100;

/** The ways in which all are asked. The first is the one that the goals are about. */
const loads = {
  '64 callers': { callers: 64, messagesPerCall: 1 },
  '64 callers, 10 messages a call': { callers: 64, messagesPerCall: 10 },
  '1 caller': { callers: 1, messagesPerCall: 1 },
} as const;
type Load = keyof typeof loads;
const [goalLoad] = Object.keys(loads) as [Load];

const units: Readonly<Record<keyof Measured, string>> = { saves: 'msg/s', p50: 'ms', p99: 'ms' };

const about = `Messages per second that were acknowledged as durable, through Indelible and through others, each used as
its documentation says with the pool it comes with (10 connections, where nothing else is said). 600-byte messages with
metadata for 100 plans, a plan written by one caller at a time; each measurement in an empty database of the same server,
each contender in a process of its own; what was acknowledged is counted afterwards. p50 and p99 are from the call to its
answer. Ratios are Indelible's messages per second to the other's, in the same round.`;

export interface PeersSection extends Section {
  /** Who could not be measured, and why. */
  readonly leftOut: readonly LeftOut[];
}

interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

export async function measurePeers(options: BenchOptions, progress: Progress): Promise<PeersSection> {
  const notInstalled = await installPeers(folder, progress);
  const asked = contenders.filter((one) => one.package === undefined || notInstalled === undefined);
  const { found, description } = await withBenchDatabase(options.directory, async (database) => ({
    description: database.description,
    found: await measureAll(asked, database, options, progress),
  }));
  const leftOut = contenders
    .filter((one) => !asked.includes(one))
    .map(({ name }) => ({ name, reason: notInstalled as string }))
    .concat(failures(found));
  return {
    name: 'peers',
    about: [about, `On ${description}.`, whatIsUnlike(), tellLeftOut(leftOut)]
      .filter((part) => part !== '')
      .join('\n\n'),
    figures: toFigures(found),
    ratios: toRatios(found),
    leftOut,
  };
}

type Found = ReadonlyMap<Load, ReadonlyMap<Contender, readonly MeasureAnswer[]>>;

async function measureAll(
  asked: readonly Contender[],
  database: BenchDatabase,
  options: BenchOptions,
  progress: Progress,
): Promise<Found> {
  const processes = new Map(asked.map((one) => [one, new ContenderProcess(one.adapter)]));
  const measurements: Record<string, () => Promise<MeasureAnswer>> = {};
  for (const load of Object.keys(loads) as Load[]) {
    for (const one of asked) {
      let failure: MeasureAnswer | undefined;
      measurements[label(one, load)] = async () => {
        if (failure !== undefined) return failure;
        const answer = await measureOne(processes.get(one) as ContenderProcess, load, database, options);
        if ('failure' in answer) failure = answer;
        return answer;
      };
    }
  }
  try {
    const rounds = await inRounds(measurements, options.rounds, progress);
    return new Map(
      (Object.keys(loads) as Load[]).map((load) => [
        load,
        new Map(asked.map((one) => [one, rounds[label(one, load)] as MeasureAnswer[]])),
      ]),
    );
  } finally {
    for (const process of processes.values()) await process.end();
  }
}

async function measureOne(
  process: ContenderProcess,
  load: Load,
  database: BenchDatabase,
  { seconds, directory: parent }: BenchOptions,
): Promise<MeasureAnswer> {
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(join(resolve(parent), 'peers-'));
  try {
    return await database.withEmpty((url) => process.measure({ url, directory, plans, seconds, ...loads[load] }));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function label({ name }: Contender, load: Load): string {
  return `${name}, ${load}`;
}

/** Round by round, if it was measured in all of them. */
function measured(found: Found, load: Load, one: Contender): readonly Measured[] | undefined {
  const answers = found.get(load)?.get(one) ?? [];
  const rounds = answers.flatMap((answer) => ('measured' in answer ? [answer.measured] : []));
  return rounds.length > 0 && rounds.length === answers.length ? rounds : undefined;
}

function failures(found: Found): LeftOut[] {
  return [...found].flatMap(([load, answers]) =>
    [...answers].flatMap(([one, rounds]) => {
      const failed = rounds.find((answer) => 'failure' in answer);
      return failed === undefined ? [] : [{ name: label(one, load), reason: failed.failure }];
    }),
  );
}

function toFigures(found: Found): Figure[] {
  return [...found].flatMap(([load, answers]) =>
    [...answers.keys()].flatMap((one) => figures(label(one, load), measured(found, load, one) ?? [], units)),
  );
}

function toRatios(found: Found): Ratio[] {
  return [...found].flatMap(([load, answers]) =>
    [...answers.keys()].flatMap((one) => [
      ...(one === indelible ? [] : compare(found, load, indelible, one)),
      ...(one === indelibleOverHttp ? compare(found, load, one, durableStreams) : []),
    ]),
  );
}

function compare(found: Found, load: Load, of: Contender, to: Contender): Ratio[] {
  const [ours, theirs] = [measured(found, load, of), measured(found, load, to)];
  if (ours === undefined || theirs === undefined) return [];
  const goal = load === goalLoad && to.goal !== undefined ? { atLeast: to.goal } : undefined;
  return [ratio(`${of.name} / ${label(to, load)}`, quantities(ours, 'saves'), quantities(theirs, 'saves'), goal)];
}

function whatIsUnlike(): string {
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const version = (one: Contender) => (one.package === undefined ? '' : ` ${dependencies[one.package]}`);
  return [
    'What each does, and what is unlike:',
    '',
    ...contenders.map((one) => `- **${one.name}**${version(one)}: ${one.unlike}`),
  ].join('\n');
}

function tellLeftOut(leftOut: readonly LeftOut[]): string {
  if (leftOut.length === 0) return '';
  return ['LEFT OUT:', '', ...leftOut.map(({ name, reason }) => `- **${name}**: ${reason}`)].join('\n');
}
