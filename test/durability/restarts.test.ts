import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startTcpProxy } from '../../src/testing/tcpProxy.ts';
import { seed } from '../postgres/seed.ts';
import { type Database, storesUnderTest } from '../storesUnderTest.ts';
import { endInOutage } from './hastyServer.ts';
import { type Outage, restartInTurn } from './restarts.ts';
import { stopWhileAgentsTalk } from './talkingServer.ts';

const promisedMs = 10_000;
const goingAway = 1001;
const sockets = 3;

describe.each(storesUnderTest)('P15: SIGTERM to `serve` on $name', { timeout: 180_000 }, ({ name, create }) => {
  it('under load: drained, sockets closed with 1001, gone within 10 s; two servers restarted in turn, one log', async () => {
    const { address } = await databaseOfTest();
    const report = await restartInTurn({ store: address, restarts: 5, seed });
    expect(report.violations, `SEED=${seed}`).toEqual([]);
    expect(report.counts).toMatchObject({ refused: 0, unknown: 0 });
    expect(report.codes).toEqual([0, 0, 0, 0, 0]);
    expect(report.closeCodes).toEqual(Array(5 * sockets).fill(goingAway));
    expect(report.slowestMs).toBeLessThan(promisedMs);
  });

  it('with the database away: what was told to be durable is, sockets closed with 1001, gone within 10 s', async () => {
    const { store, outage } = await withOutage(await databaseOfTest());
    const report = await restartInTurn({ store, restarts: 1, seed, outage });
    expect(report.violations, `SEED=${seed}`).toEqual([]);
    expect(report.counts).toMatchObject({ refused: 0, unknown: 0 });
    expect(report.closeCodes).toEqual(Array(sockets).fill(goingAway));
    expect(report.slowestMs).toBeLessThan(promisedMs);
  });

  it('while its agents save: all that they handed over is stored', async () => {
    const { address } = await databaseOfTest();
    const { violations, handedOver, decided, code } = await stopWhileAgentsTalk(address, (server) => server.stop());
    expect(violations).toEqual([]);
    expect(decided).toBe(handedOver);
    expect(decided).toBeGreaterThan(0);
    expect(code).toBe(0);
  });

  it.each([
    ['with a spool', []],
    ['without', ['--no-spool']],
  ])(
    'while the database is away for a moment, %s: what its agents handed over is stored, though nobody waited for it',
    async (_, args) => {
      const { store, outage } = await withOutage(await databaseOfTest(), 'refuse');
      const { violations, missing, handedOver, code } = await endInOutage(store, outage, args);
      expect(violations).toEqual([]);
      expect(missing).toBe(0);
      expect(handedOver).toBeGreaterThan(20);
      expect(code).toBe(0);
    },
  );

  it('control: a server that is killed closes its sockets with no code, and decides not all that it was given', async () => {
    const end = async (server: { kill(): Promise<void> }) => {
      await server.kill();
      return null;
    };
    const first = await databaseOfTest();
    const { closeCodes } = await restartInTurn({ store: first.address, restarts: 1, seed, end });
    expect(closeCodes).not.toContain(goingAway);
    const second = await databaseOfTest();
    const { handedOver, decided } = await stopWhileAgentsTalk(second.address, end);
    expect(decided).toBeLessThan(handedOver);
  });

  async function databaseOfTest(): Promise<Database> {
    const database = await create();
    onTestFinished(() => database.drop());
    return database;
  }

  /** SQLite: another process has the write lock. PostgreSQL: the network swallows or refuses everything. */
  async function withOutage({ address }: Database, how: 'blackHole' | 'refuse' = 'blackHole') {
    if (name === 'sqlite') {
      const other = new DatabaseSync(address.slice('sqlite:'.length), { timeout: 20_000 });
      onTestFinished(() => other.close());
      const run = (statement: string) => async () => other.exec(statement);
      const outage: Outage = { begin: run('BEGIN IMMEDIATE'), end: run('ROLLBACK') };
      return { store: address, outage };
    }
    const network = await startTcpProxy({ target: address });
    onTestFinished(() => network.close());
    const outage: Outage = { begin: () => network[how](), end: () => network.pass() };
    return { store: network.through(address), outage };
  }
});
