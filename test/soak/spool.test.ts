import { describe, expect, it } from 'vitest';
import { flippedBytes, garbageTails, tornTails } from '../persistence/damagedSpool.ts';
import { killSpoolers } from '../persistence/killedSpooler.ts';
import { spoolPath } from '../persistence/spooled.ts';

const seed = Number(process.env['SEED'] ?? 1);
const because = `SEED=${seed}`;

describe('P3: what was acknowledged as spooled is kept, for long', () => {
  it('through 100 kills of a process that spools under load', async () => {
    const { violations, acknowledged } = await killSpoolers({ path: spoolPath(), kills: 100, seed });
    expect(violations, because).toEqual([]);
    expect(acknowledged).toBeGreaterThan(5_000);
  });

  it('wherever the tail was cut: at every byte of the last append', () => {
    const { violations, tried } = tornTails({ every: 1 });
    expect(violations).toEqual([]);
    expect(tried).toBeGreaterThan(8_000);
  });

  it('with 1,000 kinds of garbage at its tail', () => {
    expect(garbageTails({ seed, rounds: 1_000 }), because).toEqual([]);
  });

  it.each(['in a record', 'anywhere'] as const)('with a byte changed %s, 2,000 times', (where) => {
    expect(flippedBytes({ seed, where, rounds: 2_000 }), because).toEqual([]);
  });
});
