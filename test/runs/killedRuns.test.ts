import { describe, expect, it, onTestFinished } from 'vitest';
import { storesUnderTest } from '../storesUnderTest.ts';
import { killedRuns } from './killedRuns.ts';
import { unkilledRun } from './unkilledRun.ts';

describe.each(storesUnderTest)('P1: runs whose processes are killed with -9, on $name', ({ create }) => {
  it('end as one that nobody killed: the same messages in the same order, none twice', {
    timeout: 200_000,
  }, async () => {
    const database = await create();
    onTestFinished(() => database.drop());
    const report = await killedRuns({ database, runs: 6, kills: 6, seed: 60, stepMs: 40 });
    expect(report.kills).toBe(6);
    const whole = await unkilledRun();
    expect(report.ends).toEqual(report.ends.map(({ planId }) => ({ planId, status: 'completed', said: whole })));
  });

  it('end so also where processes sleep through their own burial, and wake up', { timeout: 200_000 }, async () => {
    const database = await create();
    onTestFinished(() => database.drop());
    const report = await killedRuns({ database, runs: 6, kills: 0, sleeps: 3, seed: 62, stepMs: 150 });
    expect(report.sleeps).toBeGreaterThan(1);
    const whole = await unkilledRun();
    expect(report.ends).toEqual(report.ends.map(({ planId }) => ({ planId, status: 'completed', said: whole })));
  });
});

it('a process whose checkpoints die with it is found by this', { timeout: 200_000 }, async () => {
  const database = await storesUnderTest[0]!.create();
  onTestFinished(() => database.drop());
  const fault = 'forgets checkpoints';
  const report = await killedRuns({ database, runs: 4, kills: 3, seed: 61, stepMs: 40, fault });
  const whole = await unkilledRun();
  expect(report.ends).not.toEqual(report.ends.map(({ planId }) => ({ planId, status: 'completed', said: whole })));
});
