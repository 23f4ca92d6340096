import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { databaseOfTest } from './database.ts';
import { runManyServers } from './manyServers.ts';
import { seed } from './seed.ts';

describe('server processes on one PostgreSQL, agents writing to all of them and to the same plans', () => {
  it.each([2, 4])(
    '%i of them, one killed and started again throughout: every watcher on any of them has a gapless log in order, ' +
      'equal to the database',
    { timeout: 90_000 },
    async (servers) => {
      const { url } = await databaseOfTest();
      const options = { servers, messagesPerAgent: 60, killOne: true, seed };
      const { violations, counts, kills, stored } = await runManyServers({ url, ...options });
      expect(violations, `SEED=${seed}`).toEqual([]);
      expect(counts).toEqual({ acknowledged: stored, refused: 0, unknown: 0 });
      expect(kills).toBeGreaterThan(0);
    },
  );

  it('P17: the same while the clock of each jumps by up to an hour', { timeout: 60_000 }, async () => {
    const { url } = await databaseOfTest();
    const jumpingDate = fileURLToPath(new URL('jumpingDate.ts', import.meta.url));
    const options = { servers: 2, messagesPerAgent: 30, killOne: false, seed, nodeOptions: ['--import', jumpingDate] };
    const { violations, counts, stored } = await runManyServers({ url, ...options });
    expect(violations, `SEED=${seed}`).toEqual([]);
    expect(counts).toEqual({ acknowledged: stored, refused: 0, unknown: 0 });
  });
});
