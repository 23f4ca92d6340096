import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { testPostgres } from '../postgres.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

const figure = z.object({
  name: z.string().min(1),
  unit: z.string().min(1),
  median: z.number().nonnegative(),
  min: z.number().nonnegative(),
  max: z.number().nonnegative(),
  rounds: z.array(z.number().nonnegative()).length(1),
});

const output = z.object({
  machine: z.object({
    cpu: z.string(),
    cores: z.number().positive(),
    node: z.string(),
    sqlite: z.string(),
    fsyncMs: z.object({ p50: z.number().positive(), p99: z.number().positive() }),
  }),
  options: z.object({ rounds: z.literal(1), quick: z.literal(true) }),
  sections: z.array(
    z.object({
      name: z.string(),
      figures: z.array(figure).min(1),
      ratios: z.array(figure.extend({ unit: z.literal('×'), met: z.boolean().optional() })).min(1),
    }),
  ),
});

/** That it runs and says what it found; never how fast it was. */
describe('npm run bench', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'indelible-bench-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const bench = (...args: string[]) =>
    run(process.execPath, ['bench/main.ts', ...args, '--directory', directory], { cwd: root, maxBuffer: 2 ** 24 });

  it('measures saves and frames, gives well-formed JSON, and leaves no file behind', async () => {
    const { stdout, stderr } = await bench('--quick', '--json');
    const { sections } = output.parse(JSON.parse(stdout));
    expect(sections.map(({ name }) => name)).toEqual(['saves', 'frames']);
    for (const { figures, ratios } of sections) {
      const names = [...figures, ...ratios].map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
    }
    const goals = sections.flatMap(({ ratios }) => ratios.filter(({ met }) => met !== undefined));
    expect(goals.map(({ name }) => name)).toEqual([
      '64 savers / bare loop, one INSERT per transaction',
      '64 savers / bare loop, groups of 64',
    ]);
    expect(stderr).toContain('saves, ');
    expect(readdirSync(directory)).toEqual([]);
  }, 120_000);

  it('measures the layouts of docs/adr/0010 where they are asked for, and tells them as tables', async () => {
    const { stdout } = await bench('layouts', '--quick', '--seconds', '0.01');
    expect(stdout).toMatch(/^## layouts$/m);
    expect(stdout).toMatch(/^\| plans of 25, uuid v7: as it is: writes +\| +[\d,.]+ \|/m);
  }, 120_000);

  it('measures the reading of a plan on both databases, beside a buffer, and the memory it takes', async () => {
    const database = await testPostgres();
    onTestFinished(database.drop);
    const env = { ...process.env, INDELIBLE_TEST_POSTGRES: database.url };
    const { stdout } = await run(
      process.execPath,
      ['bench/main.ts', 'read', '--quick', '--json', '--directory', directory],
      {
        cwd: root,
        env,
      },
    );
    const [section] = output.parse(JSON.parse(stdout)).sections;
    expect(section?.ratios.map(({ name }) => name)).toEqual([
      'SQLite / static buffer',
      'PostgreSQL / static buffer',
      'SQLite, 2,000 messages / SQLite, 200 messages',
      'PostgreSQL, 2,000 messages / PostgreSQL, 200 messages',
    ]);
    expect(readdirSync(directory)).toEqual([]);
  }, 120_000);

  it('refuses a section that does not exist, and names those that do', async () => {
    await expect(bench('safes')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no section safes; there are: saves, frames, read, layouts'),
    });
  });
});
