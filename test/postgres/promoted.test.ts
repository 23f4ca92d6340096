import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { eventually, whenAvailable } from '../../src/testing/contract/availability.ts';
import { samples } from '../../src/testing/contract/sampleMessages.ts';
import { type PostgresServer, startPostgres } from '../../src/testing/postgresServer.ts';
import { execute } from './database.ts';

it('P19: a standby that was promoted has another epoch at once, for it may have lost the last commits', async () => {
  const server = await startPostgres({ settings: { fsync: 'off' } });
  onTestFinished(() => server.close());
  const store = await openPostgresStore(await server.createDatabase('app'));
  onTestFinished(() => store.close());
  await store.log.append(samples(3));
  const before = store.log.epoch;
  await becomeStandby(server);
  await whenAvailable(() => store.log.heads(['plan']));
  expect(store.log.epoch).toBe(before);
  await execute(server.superuserUrl(), 'SELECT pg_promote()');
  await eventually('it takes messages', async () => (await store.log.append(samples(4)).catch(() => [])).length > 0);
  await store.log.heads(['plan']);
  const promoted = store.log.epoch;
  expect(promoted).not.toBe(before);
  await execute(server.superuserUrl(), 'CHECKPOINT');
  await store.log.heads(['plan']);
  expect(store.log.epoch).toBe(promoted);
});

it('P19: a crash, a restart and a change of settings leave the epoch as it is', async () => {
  const server = await startPostgres({ settings: { fsync: 'off' } });
  onTestFinished(() => server.close());
  const store = await openPostgresStore(await server.createDatabase('app'));
  onTestFinished(() => store.close());
  const before = store.log.epoch;
  for (const restart of ['stop', 'kill', 'killBackends'] as const) {
    await server[restart]();
    await server.start();
    await server.ready();
    await whenAvailable(() => store.log.append(samples(5)));
    await whenAvailable(() => store.log.heads(['plan']));
    expect(store.log.epoch).toBe(before);
  }
});

/**
 * As one that took over from a primary that crashed, with much of what it was sent still to be written to its tables:
 * so its checkpoint takes its time after the promotion.
 */
async function becomeStandby(server: PostgresServer): Promise<void> {
  const url = server.superuserUrl();
  const [row] = await execute<{ data_directory: string }>(url, 'SHOW data_directory');
  await execute(url, 'CREATE TABLE much (text text)', 'CHECKPOINT');
  await execute(url, `INSERT INTO much SELECT repeat('x', 500) FROM generate_series(1, 50000)`);
  await server.kill();
  writeFileSync(join(row?.data_directory ?? '', 'standby.signal'), '');
  await server.start();
}
