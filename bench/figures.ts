/** What was measured, as data: several rounds of one thing, told by their median and by how far they lie apart. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** One per round, in the order of the rounds. */
  readonly rounds: readonly number[];
}

/** Two things measured in the same rounds, one divided by the other round by round: what slows both cancels out. */
export interface Ratio extends Figure {
  readonly unit: '×';
  /** What was aimed at, where something was. */
  readonly goal?: Goal;
  readonly met?: boolean;
}

export type Goal = { readonly atLeast: number } | { readonly atMost: number };

export interface Section {
  readonly name: string;
  /** What was done and what it is compared with, in a sentence or two. */
  readonly about: string;
  readonly figures: readonly Figure[];
  readonly ratios: readonly Ratio[];
}

export function figure(name: string, unit: string, rounds: readonly number[]): Figure {
  return { name, unit, median: percentile(rounds, 0.5), min: Math.min(...rounds), max: Math.max(...rounds), rounds };
}

/** One figure for each quantity of a contender, named after both. What was not measured is left out. */
export function figures<Quantity extends string>(
  contender: string,
  rounds: readonly Partial<Record<Quantity, number>>[],
  units: Readonly<Record<Quantity, string>>,
): Figure[] {
  return (Object.keys(units) as Quantity[])
    .filter((quantity) => rounds[0]?.[quantity] !== undefined)
    .map((quantity) => figure(`${contender}: ${quantity}`, units[quantity], quantities(rounds, quantity)));
}

export function quantities<Quantity extends string>(
  rounds: readonly Partial<Record<Quantity, number>>[],
  quantity: Quantity,
): number[] {
  return rounds.map((round) => round[quantity] ?? Number.NaN);
}

export function ratio(name: string, of: readonly number[], to: readonly number[], goal?: Goal): Ratio {
  const found = figure(
    name,
    '×',
    of.map((value, round) => value / (to[round] ?? Number.NaN)),
  );
  const plain = { ...found, unit: '×' } as const;
  if (goal === undefined) return plain;
  const met = 'atLeast' in goal ? found.median >= goal.atLeast : found.median <= goal.atMost;
  return { ...plain, goal, met };
}

/** The smallest value that at least `share` of the values do not exceed. */
export function percentile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
