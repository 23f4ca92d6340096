import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { oneTo } from '../../src/testing/contract/sampleMessages.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { type PostgresServer, startPostgres } from '../../src/testing/postgresServer.ts';
import { anyMessages, differingBodies } from '../postgres/bothDatabases.ts';
import { databaseOfTest, execute, migrated, storeOfTest } from '../postgres/database.ts';
import { readWhileWriting, slowCommits } from '../postgres/gaplessReaders.ts';
import { jumpClocks } from '../postgres/jumpingClocks.ts';
import { administrativeOutages, networkOutages, serverOutages } from '../postgres/kindsOfOutage.ts';
import { killListener, listeningThroughProxy } from '../postgres/listening.ts';
import { loseAnswers } from '../postgres/lostAnswers.ts';
import { loseHints, promisedMs } from '../postgres/lostHints.ts';
import { runManyServers } from '../postgres/manyServers.ts';
import { raceUpdates } from '../postgres/oneWinner.ts';
import { saveThroughOutages } from '../postgres/outages.ts';
import { restoreUnderLoad } from '../postgres/restoredUnderLoad.ts';
import { saveSameId } from '../postgres/sameId.ts';
import { seed } from '../postgres/seed.ts';
import { hasRedis, leftOut, testRedis } from '../postgres/testRedis.ts';
import { wokenByRedis } from '../postgres/wokenByRedis.ts';
import { storesUnderTest } from '../storesUnderTest.ts';

const because = `SEED=${seed}`;
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

describe('on PostgreSQL, for long', () => {
  it('P5: a commit whose answer was lost is not doubled: 1,000 cuts', async () => {
    const { url } = await databaseOfTest();
    const { violations, counts } = await loseAnswers({ url, cuts: 1_000, seed });
    expect(violations, because).toEqual([]);
    expect(counts).toMatchObject({ refused: 0, unknown: 0 });
  });

  it('P6: the same id saved by 100 at once through two instances has one place: 200 rounds', async () => {
    const { url } = await databaseOfTest();
    const logs = [(await storeOfTest(url)).log, (await storeOfTest(url)).log];
    expect(await saveSameId(logs, 200, seed), because).toEqual([]);
  });

  it('P7: readers see a gapless prefix of 12,000 messages of slow and fast writers', async () => {
    const { url } = await databaseOfTest();
    await migrated(url);
    await execute(url, ...slowCommits('indelible.messages', 20));
    const [one, other, reader] = [await storeOfTest(url), await storeOfTest(url), await storeOfTest(url)];
    const { violations } = await readWhileWriting([one.log, other.log], reader.log, { messages: 2_000, seed });
    expect(violations, because).toEqual([]);
  });

  it('P12: of 50 who update the same version one wins: 1,000 rounds', async () => {
    const { url } = await databaseOfTest();
    const logs = [(await storeOfTest(url)).log, (await storeOfTest(url)).log];
    expect(await raceUpdates(logs, 1_000)).toEqual([]);
  });

  it.each([
    ['killed', undefined],
    ['reset', 'resetConnections'],
    ['refused', 'refuse'],
    ['swallowed', 'blackHole'],
  ] as const)('P16: watchers are at most 2 s late while the listening connection is %s 50 times', async (_, fault) => {
    const { url, writer, watching, network } = await listeningThroughProxy();
    const cut = () => (fault === undefined ? killListener(url) : network[fault]());
    const options = { url, writer, watching, rounds: 50, cut, mend: () => network.pass() };
    const { latestMs, violations } = await loseHints(options);
    expect(violations, because).toEqual([]);
    expect(latestMs).toBeLessThan(promisedMs);
  });

  it.skipIf(!hasRedis)(`P16: watchers are at most 2 s late while Redis is killed 50 times${leftOut}`, async () => {
    const { url, writer, watching, redis } = await wokenByRedis();
    const fault = { cut: () => redis.kill(), mend: () => redis.start() };
    const { latestMs, violations } = await loseHints({ url, writer, watching, rounds: 50, ...fault });
    expect(violations, because).toEqual([]);
    expect(latestMs).toBeLessThan(promisedMs);
  });

  it('P16: a connection that nobody hears from any more is made anew within half a minute', async () => {
    const { watching, network } = await listeningThroughProxy();
    onTestFinished(watching.log.onCommit(() => {}));
    await expect.poll(() => network.connections, { timeout: 10_000 }).toBe(1);
    const { accepted } = network;
    await network.blackHole();
    await expect.poll(() => network.accepted, { timeout: 30_000 }).toBeGreaterThan(accepted);
  });

  it('P17: clocks that jump by up to an hour change no order of 20,000 messages', async () => {
    const { url } = await databaseOfTest();
    const { violations, counts } = await jumpClocks({ url, saves: 20_000, seed });
    expect(violations, because).toEqual([]);
    expect(counts).toMatchObject({ refused: 0, unknown: 0 });
  });

  it('P18: 150 outages of all kinds refuse nothing and lose nothing', async () => {
    await server.createDatabase('outages');
    const random = new SeededRandom(seed);
    const kinds = [...serverOutages, ...networkOutages, ...administrativeOutages];
    const outages = oneTo(150).map(() => random.pick(kinds));
    const options = { server, database: 'outages', outages, seed };
    const { violations, counts, queued } = await saveThroughOutages(options);
    expect(violations, because).toEqual([]);
    expect(counts).toMatchObject({ refused: 0, unknown: 0 });
    expect(queued).toEqual([0, 0]);
  });

  it('P19: a backup put back 50 times under load resets all who hold something else', async () => {
    const url = await server.createDatabase('restored');
    let snapshot = '';
    const backup = {
      take: async () => {
        snapshot = await server.snapshot('restored');
      },
      restore: () => server.restore('restored', snapshot),
    };
    const { violations } = await restoreUnderLoad({ url, backup, restores: 50, seed });
    expect(violations, because).toEqual([]);
  });

  it('P21: SQLite and PostgreSQL give back 5,000 random JSON values to the same characters', async () => {
    const stores = await Promise.all(
      storesUnderTest.map(async ({ create }) => {
        const database = await create();
        onTestFinished(() => database.drop());
        return await database.open();
      }),
    );
    const logs = stores.map(({ log }) => log);
    expect(await differingBodies(logs, anyMessages(5_000, seed)), because).toEqual([]);
  });

  it.each([2, 4])('%i servers, one killed and started again throughout, 18,000 messages', async (servers) => {
    const { url } = await databaseOfTest();
    const { violations, counts, rows } = await runManyServers({ url, servers, messagesPerAgent: 2_000, seed });
    expect(violations, because).toEqual([]);
    expect(counts).toEqual({ acknowledged: rows.length, refused: 0, unknown: 0 });
  });

  it.skipIf(!hasRedis)(`4 servers that tell each other by Redis, their clocks jumping${leftOut}`, async () => {
    const { url } = await databaseOfTest();
    const redis = await testRedis();
    const jumpingDate = fileURLToPath(new URL('../postgres/jumpingDate.ts', import.meta.url));
    const { violations, counts, rows } = await runManyServers({
      url,
      servers: 4,
      messagesPerAgent: 1_000,
      seed,
      environment: { INDELIBLE_WAKE: redis.url },
      nodeOptions: ['--import', jumpingDate],
      killed: redis,
    });
    expect(violations, because).toEqual([]);
    expect(counts).toEqual({ acknowledged: rows.length, refused: 0, unknown: 0 });
  });
});
