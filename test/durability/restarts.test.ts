import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { seed } from '../postgres/seed.ts';
import { storesUnderTest } from '../storesUnderTest.ts';
import { restartInTurn } from './restarts.ts';

const promisedMs = 10_000;
const goingAway = 1001;

describe.each(storesUnderTest)('P15: SIGTERM to `serve` on $name, under load', { timeout: 120_000 }, ({ create }) => {
  it('drains, closes sockets with 1001 and ends within 10 s: two servers restarted in turn, one log', async () => {
    const database = await create();
    onTestFinished(() => database.drop());
    const { violations, counts, codes, slowestMs, closeCodes } = await restartInTurn({ store: database.address, restarts: 5, seed });
    expect(violations, `SEED=${seed}`).toEqual([]);
    expect(counts).toMatchObject({ refused: 0, unknown: 0 });
    expect(codes).toEqual([0, 0, 0, 0, 0]);
    expect(closeCodes).toEqual(Array(15).fill(goingAway));
    expect(slowestMs).toBeLessThan(promisedMs);
  });
});
