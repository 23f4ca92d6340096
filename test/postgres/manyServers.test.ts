import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { databaseOfTest } from './database.ts';
import { type ManyServersOptions, runManyServers } from './manyServers.ts';
import { seed } from './seed.ts';
import { hasRedis, leftOut, testRedis } from './testRedis.ts';

describe('server processes on one PostgreSQL, agents writing to all of them and to the same plans', () => {
  it.each([2, 4])(
    '%i of them, one killed and started again throughout: every watcher on any of them has a gapless log in order, ' +
      'equal to the database',
    { timeout: 90_000 },
    async (servers) => {
      await expectGaplessLogs({ servers, messagesPerAgent: 50 });
    },
  );

  it.skipIf(!hasRedis)(
    `2 of them that tell each other by Redis, which is killed and started again throughout: the same${leftOut}`,
    { timeout: 90_000 },
    async () => {
      const redis = await testRedis();
      const environment = { INDELIBLE_WAKE: redis.url };
      await expectGaplessLogs({ servers: 2, messagesPerAgent: 30, environment, killed: redis });
    },
  );

  it('P17: 2 of them, the clock of each jumping by up to an hour: the same', { timeout: 60_000 }, async () => {
    const jumpingDate = fileURLToPath(new URL('jumpingDate.ts', import.meta.url));
    const nodeOptions = ['--import', jumpingDate];
    const rows = await expectGaplessLogs({ servers: 2, messagesPerAgent: 30, nodeOptions, killed: nothing });
    const times = rows.map(({ timestamp }) => timestamp);
    expect(times).not.toEqual(times.toSorted());
  });
});

const nothing = { kill: async () => {}, start: async () => {} };

async function expectGaplessLogs(options: Omit<ManyServersOptions, 'url' | 'seed'>) {
  const { url } = await databaseOfTest();
  const { violations, counts, kills, rows } = await runManyServers({ url, seed, ...options });
  expect(violations, `SEED=${seed}`).toEqual([]);
  expect(counts).toEqual({ acknowledged: rows.length, refused: 0, unknown: 0 });
  expect(kills).toBeGreaterThan(0);
  return rows;
}
