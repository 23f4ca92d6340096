import { describe, expect, it } from 'vitest';
import { CommandLine, indelible } from './commandLine.ts';
import { workplace } from './workplace.ts';

describe('a run that asks people, on the command line', { timeout: 60_000 }, () => {
  it('run says how to answer and goes on when it was answered elsewhere; show has it all, readably', async () => {
    const cwd = workplace();
    const run = new CommandLine(['run', '--team', 'demo-approval', 'Hi'], { cwd });
    const [, plan = ''] = await run.noted(/ answer (\S+) --approve/);
    const early = await indelible(['answer', plan, '--approve', '--reject'], { cwd });
    expect(early).toMatchObject({ code: 2, stdout: '' });
    const approved = await indelible(['answer', plan, '--approve', '--json'], { cwd });
    expect(approved.code).toBe(0);
    expect(JSON.parse(approved.stdout)).toMatchObject({
      plan_id: plan,
      outcome: 'taken',
      kind: 'approval',
      approved: true,
    });
    await run.noted(/ answer \S+ "…"/);
    expect(await indelible(['answer', plan, '--approve'], { cwd })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('asks for no approval now'),
    });
    expect(await indelible(['answer', plan, 'Bob'], { cwd })).toMatchObject({ code: 0 });
    expect(await run.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('Hello, Bob!') });
    const late = await indelible(['answer', plan, 'Eve', '--json'], { cwd });
    expect(late.code).toBe(1);
    expect(JSON.parse(late.stdout).outcome).toMatch(/^(answered|not_asked)$/);
    const { stdout } = await indelible(['show', plan], { cwd });
    expect(stdout).toMatch(/Planner|Demo team that asks/);
    expect(stdout).toContain('1. Planner: Says that the plan was approved');
    expect(stdout).toContain('user clarification request');
  });

  it('cancel ends one that waits, and says so of one that is over', async () => {
    const cwd = workplace();
    const run = new CommandLine(['run', '--team', 'demo-approval', 'Hi'], { cwd });
    const [, plan = ''] = await run.noted(/ answer (\S+) --approve/);
    const canceled = await indelible(['cancel', plan, '--json'], { cwd });
    expect(canceled.code).toBe(0);
    expect(JSON.parse(canceled.stdout)).toEqual({ plan_id: plan, outcome: 'canceled' });
    expect(await run.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('The plan is canceled') });
    expect(await indelible(['cancel', plan], { cwd })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('over before'),
    });
    expect(await indelible(['cancel', 'ghost'], { cwd })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('plan_not_found'),
    });
  });
});
