import { describe, expect, it } from 'vitest';
import { flippedBytes, garbageTails, tornTails } from './damagedSpool.ts';

const seed = Number(process.env['SEED'] ?? 1);
const because = `SEED=${seed}`;

describe('P3: a spool whose files were torn or changed', { timeout: 120_000 }, () => {
  it('has all earlier records, and the last append whole or not at all, wherever its tail was cut', () => {
    const { violations, tried } = tornTails({ every: 61 });
    expect(violations).toEqual([]);
    expect(tried).toBeGreaterThan(100);
  });

  it('takes garbage behind the tail, or in the place of its end, for nothing', () => {
    expect(garbageTails({ seed, rounds: 40 }), because).toEqual([]);
  });

  it('never delivers a record of which a byte was changed, keeps it aside, and delivers all others', () => {
    expect(flippedBytes({ seed, where: 'in a record', rounds: 60 }), because).toEqual([]);
  });

  it('never delivers anything that was not appended, whichever byte of the file was changed', () => {
    expect(flippedBytes({ seed, where: 'anywhere', rounds: 60 }), because).toEqual([]);
  });

  it('and the test notices if checksums are not compared', () => {
    const { length } = flippedBytes({ seed, where: 'in a record', rounds: 20, withoutChecksums: true });
    expect(length).toBeGreaterThan(0);
  });
});
