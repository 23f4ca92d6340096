import { describe, expect, it } from 'vitest';
import { seed } from '../postgres/seed.ts';
import { fillDisk } from './fullDisk.ts';
import { memoryMounts } from './machine.ts';

const { able, leftOut } = memoryMounts();

describe('P11: a full disk gives an error, never a false acknowledgement', { timeout: 120_000 }, () => {
  it.skipIf(!able)(`and what waited is stored when there is room${leftOut}`, async () => {
    const { violations, code, refused, later } = await fillDisk({ seed });
    expect(violations, `SEED=${seed}`).toEqual([]);
    expect(code).toBe(0);
    expect(refused).toBe(0);
    expect(later).toBeGreaterThan(0);
  });

  it.skipIf(!able)(`and a process that was killed on it loses nothing that it acknowledged${leftOut}`, async () => {
    const { violations, code, refusal, whenFull } = await fillDisk({ seed, killed: true });
    expect(violations, `SEED=${seed}`).toEqual([]);
    expect(code).toBe(0);
    if (refusal !== '') expect(refusal).toMatch(/code: 'store_unavailable'/);
    expect(whenFull).toBeGreaterThan(0);
  });

  it.skipIf(!able)(`control: whoever acknowledges before the commit is found out${leftOut}`, async () => {
    const { violations } = await fillDisk({ seed, early: 50 });
    expect(violations.join('\n')).toMatch(/is lost: it was acknowledged|moved: it was acknowledged/);
  });
});
