import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly sections: readonly string[];
  /** How often each contender is measured. */
  readonly rounds: number;
  /** How long each measurement takes, in seconds. */
  readonly seconds: number;
  /** Small enough for CI: shows that the bench runs; its figures mean nothing. */
  readonly quick: boolean;
  readonly json: boolean;
  /** Where the databases are made: has to be on a real disk. */
  readonly directory: string;
}

export const usage = `npm run bench -- [sections] [options]

  sections        saves, frames (these two if none is named), read (a plan by GET, on PostgreSQL and SQLite; 3 minutes),
                  layouts and pages (10 minutes each), peers (on PostgreSQL beside other libraries, which it
                  installs; 15 minutes), live (fan-out beside ws and Socket.IO, which it installs; 10 minutes),
                  postgres (3 minutes), processes (1, 2 and 4 of them on one PostgreSQL; 2 minutes), long-plan
                  (1,000,000 messages in one plan, on PostgreSQL and SQLite; 3 minutes). INDELIBLE_TEST_POSTGRES
                  names the PostgreSQL to measure on, as a role that may make databases; else one is started
  --rounds n      how often each contender is measured (default 5)
  --seconds n     how long each measurement takes (default 3)
  --quick         1 round, 0.2 s: shows that it runs, its figures mean nothing
  --json          the results as JSON on stdout; progress goes to stderr
  --directory d   where the databases are made (default node_modules/.cache/indelible-bench)
`;

/** Throws a `RangeError` that says what is wrong. */
export function parseOptions(
  args: readonly string[],
  known: readonly string[],
  byDefault: readonly string[],
): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      directory: { type: 'string', default: 'node_modules/.cache/indelible-bench' },
    },
  });
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new RangeError(`there is no section ${unknown}; there are: ${known.join(', ')}`);
  return {
    sections: positionals.length > 0 ? positionals : byDefault,
    rounds: Math.ceil(positive('rounds', values.rounds ?? (values.quick ? '1' : '5'))),
    seconds: positive('seconds', values.seconds ?? (values.quick ? '0.2' : '3')),
    quick: values.quick,
    json: values.json,
    directory: values.directory,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1e6) return value;
  throw new RangeError(`--${name} is ${text}, which is no number above 0`);
}
