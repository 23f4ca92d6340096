import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchOptions } from '../options.ts';
import type { Progress } from '../progress.ts';
import { inRounds } from '../rounds.ts';
import { compareAll, type Load, label, loads, type PeersSection, type Run, takes } from './comparison.ts';
import type { MeasureAnswer } from './contender.ts';
import { ContenderProcess } from './contenderProcess.ts';
import { type Contender, contenders } from './contenders.ts';
import { type BenchDatabase, withBenchDatabase } from './database.ts';
import { installPeers } from './install.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const plans = 100;

const about = `Messages per second that were acknowledged as durable, through Indelible and through others, each used as
its documentation says with the pool it comes with (10 connections, where nothing else is said). 600-byte messages with
metadata for 100 plans, a plan written by one caller at a time; each measurement in an empty database of the same server,
each contender in a process of its own; what was acknowledged is counted afterwards. p50 and p99 are from the call to its
answer; CPU is what the contender's process and PostgreSQL took together. Ratios are Indelible's messages per second to
the other's, or the other's CPU for a message to Indelible's, in the same round. On a machine that others use too, a
contender whose work is spread over more processes gets more of it: then the CPU says more.`;

/** Indelible beside the libraries that bench/peers/package.json names; those are installed first if they are not. */
export async function measurePeers(options: BenchOptions, progress: Progress): Promise<PeersSection> {
  const notInstalled = await installPeers(folder, progress);
  const asked = contenders.filter((one) => one.package === undefined || notInstalled === undefined);
  const missing = contenders
    .filter((one) => !asked.includes(one))
    .map(({ name }) => ({ name, reason: notInstalled as string }));
  return withBenchDatabase(options.directory, async (database) => {
    const runs = await measureAll(asked, database, options, progress);
    return compareAll([about, `On ${database.description}.`, whatIsUnlike()], runs, missing);
  });
}

async function measureAll(
  asked: readonly Contender[],
  database: BenchDatabase,
  options: BenchOptions,
  progress: Progress,
): Promise<Run[]> {
  const processes = new Map(asked.map((one) => [one, new ContenderProcess(one.adapter)]));
  const runs = (Object.keys(loads) as Load[]).flatMap((load) =>
    asked.filter((one) => takes(one, load)).map((contender) => ({ contender, load })),
  );
  const measurements = runs.map(({ contender, load }) => {
    const process = processes.get(contender) as ContenderProcess;
    return [label(contender, load), untilItFails(() => measureOne(process, load, database, options))] as const;
  });
  try {
    const answers = await inRounds(Object.fromEntries(measurements), options.rounds, progress);
    return runs.map((run) => ({ ...run, answers: answers[label(run.contender, run.load)] ?? [] }));
  } finally {
    for (const process of processes.values()) await process.end();
  }
}

/** One that failed is not asked again: its answer stays. */
function untilItFails(measure: () => Promise<MeasureAnswer>): () => Promise<MeasureAnswer> {
  let failure: MeasureAnswer | undefined;
  return async () => {
    if (failure !== undefined) return failure;
    const answer = await measure();
    if ('failure' in answer) failure = answer;
    return answer;
  };
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

function whatIsUnlike(): string {
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const lines = contenders.map(({ name, package: from, unlike, batch }) => {
    const version = from === undefined ? '' : ` ${dependencies[from]}`;
    return `- **${name}**${version}: ${unlike}${batch === undefined ? '' : ` Several messages a call: ${batch}.`}`;
  });
  return ['What each does, and what is unlike:', '', ...lines].join('\n');
}
