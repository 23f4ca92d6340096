import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { seed } from '../postgres/seed.ts';
import { openOnFailingDisk, saveOnFailingDisk } from './failingDisk.ts';
import { tracing } from './machine.ts';
import { spool } from './spoolFile.ts';
import { sqlite } from './sqliteFile.ts';
import type { FailingCalls } from './strace.ts';

const { able, leftOut } = tracing();
const random = new SeededRandom(seed);

describe.each([sqlite, spool])(
  'P11: a disk that fails gives an error, never a false acknowledgement, on $name,',
  {
    timeout: 120_000,
  },
  (durable) => {
    it.skipIf(!able)(`when writes and fsyncs fail while messages are saved${leftOut}`, async () => {
      const { violations, failed, counts } = await saveOnFailingDisk({ durable, rounds: 6, seed });
      expect(violations, `SEED=${seed}`).toEqual([]);
      expect(failed).toBeGreaterThan(6);
      expect(counts.refused).toBe(0);
      expect(counts.acknowledged).toBeGreaterThan(50);
    });

    it.skipIf(!able).each<FailingCalls>([
      { call: 'pwrite64', error: 'ENOSPC', first: 1 + random.below(20) },
      { call: 'pwrite64', error: 'EIO', first: 1 + random.below(20) },
      { call: 'fsync', error: 'EIO', first: 1 + random.below(4) },
      { call: 'ftruncate', error: 'EIO', first: 1 },
    ])(`when a file is made: $call $first fails with $error${leftOut}`, async (call) => {
      const { violations, failed } = await openOnFailingDisk(durable, call, seed);
      expect(violations, `SEED=${seed}`).toEqual([]);
      expect(failed).toBe(1);
    });
  },
);

it.skipIf(!able)(`P11: control: whoever acknowledges before the commit is found out${leftOut}`, async () => {
  const { violations } = await saveOnFailingDisk({ durable: sqlite, rounds: 3, seed, early: 50 });
  expect(violations.join('\n')).toMatch(/is lost: it was acknowledged|moved: it was acknowledged/);
});
