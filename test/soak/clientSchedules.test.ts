import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anySchedule, run, theClient } from '../client/schedules/schedule.ts';

/** Another seed by SOAK_SEED. */
const seed = Number(process.env['SOAK_SEED'] ?? 1);
const numRuns = 20_000;

describe('Under random schedules of cuts, restarts, slow reads, trims and replaced databases', () => {
  it(`P8, P19: a client shows, at every moment, a run of one history, and at the end all of the log (${numRuns} schedules)`, async () => {
    const { failed, numRuns: ran } = await fc.check(
      fc.asyncProperty(anySchedule, (schedule) => run(schedule, theClient)),
      { numRuns, seed },
    );
    expect({ failed, ran }).toEqual({ failed: false, ran: numRuns });
  });
});
