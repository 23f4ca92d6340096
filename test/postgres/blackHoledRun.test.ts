import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../src/testing/postgresServer.ts';
import { runBlackHoled } from '../soak/blackHoledRun.ts';

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => postgres.close());

it('P9: a LangGraph run of 200 messages ends while its database is black-holed, and afterwards its plan reads as if nothing had happened', {
  timeout: 120_000,
}, async () => {
  const run = await runBlackHoled({ postgres, messages: 200, wordMs: 1 });
  expect(run.overWhileHeld).toBe(true);
  expect(run.spooled).toBeGreaterThan(150);
  expect(run.holedPlan).toEqual(run.healthyPlan);
  expect([run.holedPlan.ids, run.holedPlan.messages.length]).toEqual([200, 200]);
});

it('control: a log whose saves wait for the database keeps the run until that is back', async () => {
  const run = await runBlackHoled({ postgres, messages: 20, wordMs: 1, heldMs: 3_000, patient: true });
  expect(run.overWhileHeld).toBe(false);
  expect(run.spooled).toBe(0);
  expect(run.holedPlan).toEqual(run.healthyPlan);
});
