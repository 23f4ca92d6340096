import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CommandLine, indelible } from './commandLine.ts';
import { inDatabase, workplace } from './workplace.ts';

const slowTeam = fileURLToPath(new URL('./slowTeam.ts', import.meta.url));
const failingTeam = fileURLToPath(new URL('./failingTeam.ts', import.meta.url));

describe('run', { timeout: 30_000 }, () => {
  it('works on a task in its own process, and shows people each message', async () => {
    const folder = workplace();
    const { code, stdout, stderr } = await indelible(['run', 'Say hello'], { cwd: folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ +1 Planner · \d\d:\d\d:\d\dZ$/m);
    expect(stdout).toContain('→ count_words(');
    expect(stdout).toMatch(/final result$/m);
    const [, planId] = /^Plan (\S+), team demo, in sqlite:\.\/indelible\.db$/m.exec(stderr) ?? [];
    expect(stderr).toContain('The plan is completed, with 6 messages.');
    expect(stderr).toContain(`show ${planId}`);
  });

  it('with --json prints each message as the database holds it, one a line, and nothing else', async () => {
    const folder = workplace();
    const { code, stdout, stderr } = await indelible(['run', '--json', 'Say hello'], { cwd: folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(rows.at(-1)).toMatchObject({ type: 'final_result_message', metadata: { status: 'completed' } });
    const shown = await indelible(['show', rows[0].plan_id, '--json'], { cwd: folder });
    expect(JSON.parse(shown.stdout).messages).toEqual(rows);
  });

  it('goes on to its end although nobody reads what it prints', async () => {
    const folder = workplace();
    const run = new CommandLine(['run', 'Say hello'], { cwd: folder });
    await run.printed(/Planner/);
    run.stopReading();
    expect(await run.ended).toMatchObject({ code: 0 });
    const [plan] = await inDatabase(folder, ({ plans }) => plans.list({ limit: 2 }));
    expect(plan).toMatchObject({ status: 'completed', messageCount: 6 });
  });

  it('fails when the run fails; what was said until then is stored, and why stands at its end', async () => {
    const folder = workplace();
    const { code, stdout } = await indelible(['run', 'Fail', '--team', failingTeam], { cwd: folder });
    expect(code).toBe(1);
    expect(stdout).toContain('The run failed: first');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028]/);
    expect(await inDatabase(folder, ({ plans }) => plans.list({ limit: 2 }))).toMatchObject([{ status: 'failed' }]);
  });

  it('told to stop, lets its agents stop, and says how it ended', async () => {
    const folder = workplace();
    const run = new CommandLine(['run', 'Take your time', '--team', slowTeam], { cwd: folder });
    await run.printed(/I begin/);
    const { code, stdout } = await run.kill('SIGINT');
    expect(code).toBe(1);
    expect(stdout).toMatch(/I was told to stop[\s\S]*final result/);
    expect(await inDatabase(folder, ({ plans }) => plans.list({ limit: 2 }))).toMatchObject([{ status: 'failed' }]);
  });

  it.each([
    [['run'], "missing required argument 'task'"],
    [['run', ' '], 'task is empty'],
    [['run', 'Plan', 'a', 'day'], "too many arguments for 'run'"],
  ])('%j is a usage error: %s', async (args, message) => {
    const { code, stderr } = await indelible(args, { cwd: workplace() });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
