import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Carelessness, careless } from './schedules/carelessViewer.ts';
import { anySchedule, run, theClient } from './schedules/schedule.ts';

const numRuns = 400;

describe('Under random schedules of cuts, restarts, slow reads, trims and replaced databases', () => {
  it(`P8, P19: a client shows, at every moment, a run without gaps, each message once, and at the end all of the log (${numRuns} schedules)`, async () => {
    await fc.assert(
      fc.asyncProperty(anySchedule, (schedule) => run(schedule, theClient)),
      { numRuns },
    );
  });

  it.each<Carelessness>(['takes messages twice', 'begins anew without letting go', 'keeps its cursor over a reset'])(
    'a client that %s is found out',
    async (carelessness) => {
      const { failed } = await fc.check(
        fc.asyncProperty(anySchedule, (schedule) => run(schedule, careless(carelessness))),
        { numRuns, endOnFailure: true },
      );
      expect(failed).toBe(true);
    },
  );
});
