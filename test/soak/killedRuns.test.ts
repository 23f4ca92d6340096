import { describe, expect, it, onTestFinished } from 'vitest';
import { killedRuns } from '../runs/killedRuns.ts';
import { unkilledRun } from '../runs/unkilledRun.ts';
import { storesUnderTest } from '../storesUnderTest.ts';

describe.each(storesUnderTest)('P1: runs whose processes are killed with -9, 50 times, on $name', ({ create }) => {
  it('end as one that nobody killed', { timeout: 900_000 }, async () => {
    const whole = await unkilledRun();
    let kills = 0;
    let killsBehindAnswers = 0;
    for (let seed = 1; kills < 50; seed++) {
      const database = await create();
      onTestFinished(() => database.drop());
      const report = await killedRuns({ database, runs: 8, kills: 10, seed, stepMs: 60 });
      kills += report.kills;
      killsBehindAnswers += report.killsBehindAnswers;
      const expected = report.ends.map(({ planId }) => ({ planId, status: 'completed', said: whole }));
      expect(report.ends, `seed ${seed}`).toEqual(expected);
    }
    console.log(`${kills} kills, ${killsBehindAnswers} of them right behind an answer`);
  });
});
