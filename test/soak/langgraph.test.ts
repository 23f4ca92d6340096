import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../src/testing/postgresServer.ts';
import { runBlackHoled } from './blackHoledRun.ts';

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.close());

it('P9: with the database black-holed for 60 s a LangGraph run of 200 messages takes at most 5 s longer, and its plan reads as if nothing had happened', async () => {
  const options = { postgres, messages: 200, wordMs: 200, heldMs: 60_000 };
  const { healthyMs, holedMs, spooled, healthyPlan, holedPlan } = await runBlackHoled(options);
  process.stdout.write(`${JSON.stringify({ healthyMs, holedMs, spooled })}\n`);
  expect(holedMs - healthyMs).toBeLessThan(5_000);
  expect(spooled).toBeGreaterThan(50);
  expect(holedPlan).toEqual(healthyPlan);
  expect([holedPlan.ids, holedPlan.messages.length]).toEqual([200, 200]);
});
