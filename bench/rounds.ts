import type { Progress } from './progress.ts';

/**
 * Runs the contenders one after the other, A B C A B C …, so that a machine that grows slower, a disk that fills or a
 * neighbour that comes and goes meets all of them alike. Answers what each gave, round by round.
 */
export async function inRounds<Name extends string, T>(
  contenders: Readonly<Record<Name, () => Promise<T>>>,
  rounds: number,
  progress: Progress,
): Promise<Record<Name, T[]>> {
  const names = Object.keys(contenders) as Name[];
  const results = Object.fromEntries(names.map((name): [Name, T[]] => [name, []])) as Record<Name, T[]>;
  for (let round = 1; round <= rounds; round++) {
    for (const name of names) {
      progress(`round ${round} of ${rounds}: ${name}`);
      results[name].push(await contenders[name]());
    }
  }
  return results;
}
