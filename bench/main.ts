/**
 * Measures Indelible beside the least that would do the same work, in one run, in turns. `--help` says how to ask.
 *
 * What it gives is figures and ratios of the machine it runs on; a goal that is missed is said and fails nothing.
 */

import type { Section } from './figures.ts';
import { measureFrames } from './frames.ts';
import { measureLayouts, measurePages } from './layouts.ts';
import { measureLive } from './live/section.ts';
import { measureLongPlan } from './longPlan.ts';
import { describeMachine } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { parseOptions, usage } from './options.ts';
import { measurePeers } from './peers/section.ts';
import { measurePostgres } from './postgres/section.ts';
import { measureProcesses } from './processes.ts';
import { endProgress, type Progress, progressOn } from './progress.ts';
import { measureRead } from './read/section.ts';
import { report } from './report.ts';
import { measureSaves } from './saves.ts';

const sections: Readonly<Record<string, (options: BenchOptions, progress: Progress) => Promise<Section>>> = {
  saves: measureSaves,
  frames: measureFrames,
  read: measureRead,
  layouts: measureLayouts,
  pages: measurePages,
  postgres: measurePostgres,
  'long-plan': measureLongPlan,
  processes: measureProcesses,
  peers: measurePeers,
  live: measureLive,
};

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(usage);
    return 0;
  }
  let options: BenchOptions;
  try {
    options = parseOptions(args, Object.keys(sections), ['saves', 'frames']);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  const machine = describeMachine(options.directory);
  const found: Section[] = [];
  for (const name of options.sections) {
    const measure = sections[name] as (typeof sections)[string];
    found.push(await measure(options, progressOn(process.stderr, name)));
    endProgress(process.stderr);
  }
  const { rounds, seconds, quick } = options;
  const result = { machine, options: { rounds, seconds, quick }, sections: found };
  process.stdout.write(options.json ? `${JSON.stringify(result, null, 2)}\n` : report(machine, found));
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
