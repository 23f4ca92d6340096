import { describe, expect, it } from 'vitest';
import { killWhileSpooled } from '../soak/killedWhileSpooled.ts';
import { runSoak } from '../soak/soak.ts';
import { shortSoak } from '../soak/soakOptions.ts';
import { brokenPromises } from '../soak/soakRecord.ts';
import { seed } from './seed.ts';

const because = `SEED=${seed}`;
const timeout = 180_000;

describe('The soak, in small', () => {
  it('P1, P3, P4, P5, P8, P18: ten agents, over HTTP and inside processes, lose nothing while all that may fail does', {
    timeout,
  }, async () => {
    const record = await runSoak(shortSoak(20, seed));
    expect(brokenPromises(record), because).toEqual([]);
    expect(record.verdict.counts.acknowledged).toBeGreaterThan(100);
    expect(new Set(record.faults.map(({ of }) => of))).toEqual(new Set(['database', 'process']));
  });

  it('P3: what agents inside a process were told is spooled outlives the process', { timeout }, async () => {
    const { violations, spooled } = await killWhileSpooled('disk', seed);
    expect(violations, because).toEqual([]);
    expect(spooled).toBeGreaterThanOrEqual(50);
  });

  it('control: a spool in memory dies with its process, and the oracle misses what was acknowledged', {
    timeout,
  }, async () => {
    const { violations } = await killWhileSpooled('memory', seed);
    expect(violations.filter((sentence) => sentence.includes('is lost')).length).toBeGreaterThanOrEqual(10);
  });
});
