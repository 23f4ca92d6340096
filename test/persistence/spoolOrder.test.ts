import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { anySchedule, groupCommit, type MakeDesign, run, type Schedule } from './spoolSchedules.ts';
import { directElseSpool, spoolWhileNotEmpty } from './temptingDesigns.ts';

describe('under random schedules of saves, outages, drains and crashes', () => {
  test.prop(anySchedule, { numRuns: 1_000 })(
    'P4: what is acknowledged is in the log, once, each agent in its order',
    (schedule) => run(groupCommit, schedule),
  );

  // The controls: two designs that come to mind first, under the same test.
  it.each<[string, MakeDesign]>([
    ['"to the database, and if that fails to disk" inverts the order', directElseSpool],
    ['"to disk while something is there, else to the database" inverts the order', spoolWhileNotEmpty],
  ])('P4: %s, and is caught', async (_, make) => {
    const property = fc.asyncProperty(fc.record(anySchedule), (schedule) => run(make, schedule as Schedule));
    const { failed, errorInstance } = await fc.check(property, { numRuns: 1_000, endOnFailure: true });
    expect(failed).toBe(true);
    expect(String(errorInstance)).toContain('order');
  });
});
