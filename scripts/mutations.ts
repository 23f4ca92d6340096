/**
 * `npm run test:mutations [part of a property's name]`: breaks the source in every way that test/mutations/mutations.ts
 * lists, one at a time, in a copy, and runs the property that must notice: it has to fail, by its own assertion or by
 * a hang, and to pass without the mutation. Prints a table and `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { type Mutation, mutations } from '../test/mutations/mutations.ts';

interface Outcome {
  readonly passed: number;
  /** The message of each failed test of the property. */
  readonly failures: readonly string[];
  /** What went wrong outside the property's own tests. */
  readonly trouble: string;
}

const root = fileURLToPath(new URL('../', import.meta.url));
/** The mutations are the same on each store; this one is there everywhere. */
const store = 'on sqlite';
const testMs = 300_000;

const wanted = (process.argv[2] ?? '').toLowerCase();
const chosen = mutations.filter(({ property }) => property.toLowerCase().includes(wanted));
const copy = mkdtempSync(join(tmpdir(), 'indelible-mutations-'));
let failed = 0;

try {
  for (const name of ['src', 'test', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts']) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const property of new Set(chosen.map((mutation) => mutation.property))) tryProperty(property);
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`${chosen.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 && chosen.length > 0 ? 0 : 1;

function tryProperty(property: string): void {
  const own = chosen.filter((mutation) => mutation.property === property);
  const [{ test } = { test: '' }] = own;
  const sound = run(property, test);
  const isSound = sound.passed > 0 && sound.failures.length === 0 && sound.trouble === '';
  console.log(`\n${property}: without a mutation it ${isSound ? 'passes' : `FAILS ${sound.trouble}`}`);
  if (!isSound) {
    for (const failure of sound.failures) console.log(failure);
    failed += own.length;
    return;
  }
  for (const mutation of own) tryMutation(mutation);
}

function tryMutation({ property, test, breaks, file, find, replace }: Mutation): void {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  if (source.split(find).length !== 2) throw new Error(`${file} does not hold exactly once: ${find}`);
  writeFileSync(
    path,
    source.replace(find, () => replace),
  );
  const { failures, trouble } = run(property, test);
  writeFileSync(path, source);
  const [noticed] = failures;
  if (noticed === undefined) failed++;
  console.log(`  ${noticed === undefined ? 'NOT NOTICED' : 'noticed'}: ${breaks} (${file})`);
  console.log(`    ${noticed === undefined ? trouble : gist(noticed)}`);
}

/** Runs the property's test and nothing else. */
function run(property: string, test: string): Outcome {
  const report = join(copy, 'report.json');
  rmSync(report, { force: true });
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const pattern = `^${store} `;
  const options = [
    `test/properties/${test}`,
    '--testNamePattern',
    pattern,
    '--reporter=json',
    `--outputFile=${report}`,
  ];
  const { stdout, stderr } = spawnSync(process.execPath, [vitest, 'run', ...options], {
    cwd: copy,
    encoding: 'utf8',
    timeout: testMs,
    // Found is found: the smallest counterexample is of no interest here.
    env: { ...process.env, PROPERTY_SHRINK: 'off', PROPERTY_HANG_MS: '5000', PROPERTY_RUNS: '100' },
  });
  if (!existsSync(report)) return { passed: 0, failures: [], trouble: `no report: ${(stdout + stderr).slice(-2_000)}` };
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    testResults: {
      message: string;
      assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
    }[];
  };
  const own = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ fullName }) => fullName.includes(property));
  return {
    passed: own.filter(({ status }) => status === 'passed').length,
    failures: own.filter(({ status }) => status === 'failed').map(({ failureMessages }) => failureMessages.join('\n')),
    trouble: testResults.map(({ message }) => message).join('\n'),
  };
}

/** In which run it was noticed, and by what. */
function gist(failure: string): string {
  const [first = ''] = stripVTControlCharacters(failure).split('\n');
  return first.replace(/^Error: failed in /, '').slice(0, 300);
}
