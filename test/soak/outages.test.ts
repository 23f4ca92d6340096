import { fc } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { type PostgresServer, startPostgres } from '../../src/testing/postgresServer.ts';
import { anySchedule, groupCommit, run, type Schedule } from '../persistence/spoolSchedules.ts';
import { drainWithPoison } from '../postgres/drainWithPoison.ts';
import { serverOutages } from '../postgres/kindsOfOutage.ts';
import { seed } from '../postgres/seed.ts';
import { saveSpooledThroughOutages } from '../postgres/spooledThroughOutages.ts';
import { spoolOfTest } from '../postgres/spoolOfTest.ts';

const because = `SEED=${seed}`;
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => server.close());

describe('outages, for long', () => {
  it('P4: what is acknowledged is in the log, once, each agent in its order: 10,000 schedules', async () => {
    const property = fc.asyncProperty(fc.record(anySchedule), (schedule) => run(groupCommit, schedule as Schedule));
    await fc.assert(property, { numRuns: 10_000, seed });
  });

  it('P4: order holds with the database stopped 50 times under 100 plans', async () => {
    await server.createDatabase('order');
    const random = new SeededRandom(seed);
    const kinds = serverOutages.filter(({ name }) => !name.startsWith('backends'));
    const outages = Array.from({ length: 50 }, () => kinds[random.below(kinds.length)] as (typeof kinds)[number]);
    const spool = spoolOfTest();
    const result = await saveSpooledThroughOutages({ server, database: 'order', outages, plans: 100, seed, spool });
    expect(result.violations, because).toEqual([]);
    expect(result.counts).toMatchObject({ refused: 0, unknown: 0 });
    expect(result.depth).toBe(0);
  });

  it('P10: the drain of 60,000 ends, live plans go on meanwhile, and 10 that are poison are set aside', async () => {
    await server.createDatabase('poison');
    const spool = spoolOfTest();
    const result = await drainWithPoison({ server, database: 'poison', messages: 60_000, poison: 10, seed, spool });
    expect(result.violations, because).toEqual([]);
    expect(result).toMatchObject({ setAside: 10, depth: 0, liveOtherwise: 0 });
    expect(result.liveStored).toBeGreaterThan(0);
  });
});
