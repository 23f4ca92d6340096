import { describe, expect, it } from 'vitest';
import { databaseOfTest } from './database.ts';
import { jumpClocks } from './jumpingClocks.ts';
import { seed } from './seed.ts';

describe('P17: clocks that are set on and back by up to an hour', () => {
  it('change no order, delay no watcher and time out no save; control: sorted by time the log is broken', async () => {
    const { url } = await databaseOfTest();
    const { violations, violationsByTime, counts } = await jumpClocks({ url, saves: 400, seed });
    expect(violations, `SEED=${seed}`).toEqual([]);
    expect(counts).toMatchObject({ refused: 0, unknown: 0 });
    expect(violationsByTime.length).toBeGreaterThan(100);
  });
});
