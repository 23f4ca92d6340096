import { describe, expect, it } from 'vitest';
import { killSpoolers } from './killedSpooler.ts';
import { spoolPath } from './spooled.ts';

const seed = Number(process.env['SEED'] ?? 1);

describe('P3: what was acknowledged as spooled survives kill -9', { timeout: 120_000 }, () => {
  it('of a process that spools under load, ten times, and the next one owns the spool at once', async () => {
    const { violations, acknowledged } = await killSpoolers({ path: spoolPath(), kills: 10, seed });
    expect(violations, `SEED=${seed}`).toEqual([]);
    expect(acknowledged).toBeGreaterThan(500);
  });

  it('and the test notices a spool that acknowledges before it commits', async () => {
    const { violations } = await killSpoolers({ path: spoolPath(), kills: 3, seed, early: true });
    expect(violations.some((what) => what.endsWith('is lost'))).toBe(true);
  });
});
