import { describe, expect, it } from 'vitest';
import { seed } from '../postgres/seed.ts';
import { breakDisk } from './brokenDisk.ts';
import { loopMounts } from './machine.ts';

const { able, leftOut } = loopMounts();

describe('P11: a disk that breaks gives an error, never a false acknowledgement', { timeout: 120_000 }, () => {
  it.skipIf(!able)(`and all that was acknowledged is there when it is repaired${leftOut}`, async () => {
    const { violations, acknowledged } = await breakDisk({ seed });
    expect(violations, `SEED=${seed}`).toEqual([]);
    expect(acknowledged).toBeGreaterThan(20);
  });

  it.skipIf(!able)(`control: whoever acknowledges before the commit is found out${leftOut}`, async () => {
    const { violations } = await breakDisk({ seed, early: 50 });
    expect(violations.join('\n')).toMatch(/is lost: it was acknowledged|moved: it was acknowledged/);
  });
});
