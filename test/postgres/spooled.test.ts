import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { MessagePersistenceService } from '../../src/persistence/messagePersistenceService.ts';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { type PostgresServer, startPostgres } from '../../src/testing/postgresServer.ts';
import { startTcpProxy, type TcpProxy } from '../../src/testing/tcpProxy.ts';
import { drainWithPoison } from './drainWithPoison.ts';
import { serverOutages } from './kindsOfOutage.ts';
import { seed } from './seed.ts';
import { saveSpooledThroughOutages } from './spooledThroughOutages.ts';
import { spoolOfTest } from './spoolOfTest.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => server.close());

describe('while PostgreSQL is away, an agent that waits for each answer', () => {
  it('P4: goes on, and its messages are in their order afterwards: the server stopped, killed, paused, read-only', async () => {
    await server.createDatabase('order');
    const outages = serverOutages.filter(({ name }) => !name.startsWith('backends'));
    const spool = spoolOfTest();
    const result = await saveSpooledThroughOutages({ server, database: 'order', outages, plans: 20, seed, spool });
    expect(result.violations, `SEED=${seed}`).toEqual([]);
    expect(result.counts).toMatchObject({ refused: 0, unknown: 0 });
    expect(result.answers.spooled).toBeGreaterThan(20);
    expect(result.answers.stored).toBeGreaterThan(20);
    expect(result.depth).toBe(0);
  });

  const faults: [string, (place: Place) => Promise<unknown>][] = [
    ['refused', ({ network }) => network.refuse()],
    ['reset', ({ network }) => network.reset()],
    ['swallowed by the network', ({ network }) => network.blackHole()],
    ['locked', ({ url }) => lockTables(url)],
    ['without a free connection', ({ takeConnections }) => takeConnections()],
  ];
  it.each(faults)(
    'P9: is answered while the fault lasts, %s: spooled, and stored when it is over',
    async (_, begin) => {
      const place = await placeOfTest();
      const { service, network } = place;
      expect((await service.save({ planId: 'p', agentName: 'a', content: 'before' })).status).toBe('stored');
      await begin(place);
      // The fault ends only when all of these are answered.
      for (let index = 0; index < 60; index++) {
        const { status } = await service.save({ planId: `p${index % 3}`, agentName: 'a', content: `${index}` });
        expect(status).toBe('spooled');
      }
      await network.pass();
      await place.over();
      while (service.outage().depth > 0) await sleep(20);
      for (const planId of ['p0', 'p1', 'p2']) {
        const stored = (await service.getMessagesForPlan(planId)).map(({ content }) => Number(content));
        expect(stored).toEqual(Array.from({ length: 20 }, (__, place) => place * 3 + Number(planId.slice(1))));
      }
    },
  );

  it('P9, control: without a deadline it waits for as long as the fault lasts', async () => {
    const place = await placeOfTest({
      deadlineMs: 600_000,
      openDeadlineMs: 600_000,
      failuresToOpen: 1_000_000,
      attemptMs: 600_000,
    });
    await place.network.blackHole();
    let answered = false;
    void place.service.save({ planId: 'p', agentName: 'a', content: 'x' }).then(() => {
      answered = true;
    });
    await sleep(3_000);
    expect(answered).toBe(false);
    await place.network.pass();
  });
});

describe('the drain', () => {
  it('P10: ends, live plans go on meanwhile, and poison is set aside in its place: 3,000 spooled, 10 of them poison', async () => {
    await server.createDatabase('poison');
    const result = await drainWithPoison({
      server,
      database: 'poison',
      messages: 3_000,
      poison: 10,
      seed,
      spool: spoolOfTest(),
    });
    expect(result.violations).toEqual([]);
    expect(result.setAside).toBe(10);
    expect(result.depth).toBe(0);
    expect(result.liveStored).toBeGreaterThan(0);
    expect(result.liveOtherwise).toBe(0);
  });
});

interface Place {
  readonly service: MessagePersistenceService;
  readonly network: TcpProxy;
  readonly url: string;
  takeConnections(): Promise<void>;
  /** Ends what the network does not. */
  over(): Promise<void>;
}

let places = 0;

async function placeOfTest(options = {}): Promise<Place> {
  const database = `place${++places}`;
  await server.createDatabase(database);
  const url = server.superuserUrl(database);
  const network = await startTcpProxy({ target: url });
  const store = await openPostgresStore(network.through(server.url(database)), { poolSize: 4 });
  const service = new MessagePersistenceService({ log: store.log, spool: spoolOfTest(), ...options });
  const blocking: Client[] = [];
  const block = async (statement: string) => {
    const client = new Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    await client.query(statement);
    blocking.push(client);
  };
  const over = async () => {
    await Promise.all(blocking.splice(0).map((client) => client.end()));
    await unlockTables();
  };
  onTestFinished(async () => {
    await over();
    await network.pass();
    await service.close(500);
    await store.close();
    await network.close();
  });
  // All connections of the pool wait behind a lock that reads need, so that none is left for saves.
  const takeConnections = async () => {
    await block('BEGIN; LOCK TABLE indelible.messages IN ACCESS EXCLUSIVE MODE');
    for (let read = 0; read < 8; read++) void store.log.find('p', `m${read}`).catch(() => {});
  };
  return { service, network, url, takeConnections, over };
}

let lock: Client | undefined;

async function lockTables(url: string): Promise<void> {
  lock = new Client({ connectionString: url });
  lock.on('error', () => {});
  await lock.connect();
  await lock.query('BEGIN; LOCK TABLE indelible.heads IN ACCESS EXCLUSIVE MODE');
}

async function unlockTables(): Promise<void> {
  await lock?.end();
  lock = undefined;
}
