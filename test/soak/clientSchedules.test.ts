import fc from 'fast-check';
import { describe, it } from 'vitest';
import { anySchedule, run, theClient } from '../client/schedules/schedule.ts';

/** Another seed by SOAK_SEED. */
const seed = Number(process.env['SOAK_SEED'] ?? 1);
const numRuns = 20_000;

describe('Under random schedules of cuts, restarts, slow reads, trims and replaced databases', () => {
  it(`P8, P19: a client shows, at every moment, a run without gaps, each message once, and at the end all of the log (${numRuns} schedules)`, async () => {
    await fc.assert(
      fc.asyncProperty(anySchedule, (schedule) => run(schedule, theClient)),
      { numRuns, seed },
    );
  });
});
