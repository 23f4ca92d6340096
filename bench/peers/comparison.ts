import { type Figure, figures, quantities, type Ratio, ratio, type Section } from '../figures.ts';
import type { MeasureAnswer, Measured } from './contender.ts';
import { type Contender, durableStreams, indelible, indelibleOverHttp } from './contenders.ts';

/** The ways in which all are asked. */
export const loads = {
  '64 callers': { callers: 64, messagesPerCall: 1 },
  '64 callers, 10 messages a call': { callers: 64, messagesPerCall: 10 },
  '1 caller': { callers: 1, messagesPerCall: 1 },
} as const;
export type Load = keyof typeof loads;

/** The one that the goals are about, and of which more is told. */
const mainLoad: Load = '64 callers';
const units = { saves: 'msg/s', CPU: 'µs/msg', p50: 'ms', p99: 'ms' } as const;

/** What a contender answered under a load, round by round. */
export interface Run {
  readonly contender: Contender;
  readonly load: Load;
  readonly answers: readonly MeasureAnswer[];
}

export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

export interface PeersSection extends Section {
  /** Who could not be measured, wholly or under one of the loads, and why. */
  readonly leftOut: readonly LeftOut[];
}

/** Under which loads a contender can be put. */
export function takes({ batch }: Contender, load: Load): boolean {
  return loads[load].messagesPerCall === 1 || batch !== undefined;
}

/**
 * Figures and ratios of those who were measured in every round. Whoever was not is left out and said to be, in the text
 * and as data: a ratio that is missing must not be taken for one that nobody asked for.
 */
export function compareAll(about: readonly string[], runs: readonly Run[], missing: readonly LeftOut[]): PeersSection {
  const leftOut = [...missing, ...runs.flatMap(failureOf)];
  return {
    name: 'peers',
    about: [...about, ...tellLeftOut(leftOut)].join('\n\n'),
    figures: runs.flatMap(toFigures),
    ratios: runs.flatMap((run) => toRatios(run, runs)),
    leftOut,
  };
}

export function label({ name }: Contender, load: Load): string {
  return `${name}, ${load}`;
}

function measured({ answers }: Run): readonly Measured[] | undefined {
  const rounds = answers.flatMap((answer) => ('measured' in answer ? [answer.measured] : []));
  return rounds.length > 0 && rounds.length === answers.length ? rounds : undefined;
}

function failureOf({ contender, load, answers }: Run): LeftOut[] {
  const failed = answers.find((answer) => 'failure' in answer);
  return failed === undefined ? [] : [{ name: label(contender, load), reason: failed.failure }];
}

function toFigures(run: Run): Figure[] {
  const rounds: readonly Partial<Measured>[] = measured(run) ?? [];
  const told = run.load === mainLoad ? rounds : rounds.map(({ saves }) => ({ saves }) as Partial<Measured>);
  return figures(label(run.contender, run.load), told, units);
}

function toRatios({ contender, load }: Run, runs: readonly Run[]): Ratio[] {
  const of = (one: Contender) => runs.find((run) => run.contender === one && run.load === load);
  if (contender === indelible) return [];
  const ratios = compare(of(indelible), of(contender));
  return contender === indelibleOverHttp ? [...ratios, ...compare(of(contender), of(durableStreams))] : ratios;
}

function compare(ours: Run | undefined, theirs: Run | undefined): Ratio[] {
  const [our, their] = [ours && measured(ours), theirs && measured(theirs)];
  if (our === undefined || their === undefined || ours === undefined || theirs === undefined) return [];
  const { load, contender } = theirs;
  const wanted = load === mainLoad ? contender.goal : undefined;
  const name = `${ours.contender.name} / ${label(contender, load)}`;
  const goal = wanted === undefined ? undefined : { atLeast: wanted };
  const saves = ratio(name, quantities(our, 'saves'), quantities(their, 'saves'), goal);
  const seen = load === mainLoad && [...our, ...their].every(({ CPU }) => CPU !== undefined);
  if (!seen) return [saves];
  const inverse = `${contender.name} / ${label(ours.contender, load)}: CPU a message`;
  return [saves, ratio(inverse, quantities(their, 'CPU'), quantities(our, 'CPU'))];
}

function tellLeftOut(leftOut: readonly LeftOut[]): string[] {
  if (leftOut.length === 0) return [];
  return [['LEFT OUT:', '', ...leftOut.map(({ name, reason }) => `- **${name}**: ${reason}`)].join('\n')];
}
