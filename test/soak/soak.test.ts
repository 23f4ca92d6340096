import { expect, it } from 'vitest';
import { runSoak } from './soak.ts';
import { longSoak } from './soakOptions.ts';
import { brokenPromises } from './soakRecord.ts';

const minutes = Number(process.env['SOAK_MINUTES'] ?? 30);
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9));

it(`P1, P3, P4, P5, P8, P18: 100 agents, ${minutes} minutes of faults: nothing is lost, and no process grows by more than 50 MiB`, {
  timeout: (minutes + 20) * 60_000,
}, async () => {
  const record = await runSoak(longSoak(minutes, seed));
  expect(brokenPromises(record), `SEED=${seed}`).toEqual([]);
  expect(record.memory.filter(({ livedOn }) => livedOn)).toHaveLength(2);
  expect(record.verdict.counts.acknowledged).toBeGreaterThan(minutes * 1_000);
});
