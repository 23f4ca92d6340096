import fc from 'fast-check';
import { it } from 'vitest';

/** How many random executions each property is held against; soak runs ask for more. */
const numRuns = Math.max(100, Number(process.env['PROPERTY_RUNS'] ?? 100));
/** A run that is not done by then hangs, and that is a failure with a seed. */
const hangMs = Number(process.env['PROPERTY_HANG_MS'] ?? 30_000);
const maxReport = 20_000;

/**
 * A test that holds `predicate` against random values, 100 unless PROPERTY_RUNS says more. Each time with a fresh seed;
 * a failure prints it, and the command that runs the same values again.
 */
export function property<Values extends [unknown, ...unknown[]]>(
  name: string,
  arbitraries: { [Index in keyof Values]: fc.Arbitrary<Values[Index]> },
  predicate: (...values: Values) => Promise<void>,
): void {
  const timeoutMs = 300_000 + numRuns * 300;
  it(name, { timeout: timeoutMs }, async ({ task }) => {
    const details = await fc.check(fc.asyncProperty(...arbitraries, predicate), {
      numRuns,
      ...replayed(),
      // Shrinking stops in time to be told of.
      interruptAfterTimeLimit: timeoutMs - hangMs - 10_000,
      markInterruptAsFailure: true,
      timeout: hangMs,
      endOnFailure: process.env['PROPERTY_SHRINK'] === 'off',
    });
    if (!details.failed) return;
    const { numRuns: runs, seed, counterexamplePath, counterexample, numShrinks, errorInstance } = details;
    const values = `PROPERTY_SEED=${seed} PROPERTY_PATH=${counterexamplePath ?? ''}`;
    const said = errorInstance instanceof Error ? errorInstance.message : 'interrupted before it had run often enough';
    const lines = [
      `failed in run ${runs}: ${said}`,
      `The same values again: ${values} npm test -- ${task.file.name}`,
      `They are, after ${numShrinks} steps towards simpler ones: ${brief(fc.stringify(counterexample))}`,
    ];
    throw new Error(lines.join('\n'), { cause: errorInstance });
  });
}

function brief(text: string): string {
  return text.length <= maxReport ? text : `${text.slice(0, maxReport)}… (${text.length} characters)`;
}

function replayed(): { seed?: number; path?: string } {
  const { PROPERTY_SEED: seed, PROPERTY_PATH: path } = process.env;
  return { ...(seed ? { seed: Number(seed) } : {}), ...(path ? { path } : {}) };
}
