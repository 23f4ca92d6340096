import { expect, it, onTestFinished } from 'vitest';
import { migrate } from '../../src/store/postgres/index.ts';
import { startPostgres } from '../../src/testing/postgresServer.ts';
import { execute } from './database.ts';

it('a role that may make nothing in a database but tables in a schema that was made for it can migrate', async () => {
  const server = await startPostgres({ settings: { fsync: 'off' } });
  onTestFinished(() => server.close());
  await execute(server.superuserUrl(), 'CREATE ROLE makes LOGIN', 'CREATE SCHEMA indelible AUTHORIZATION makes');
  const url = new URL(server.superuserUrl());
  url.username = 'makes';
  const { from, to } = await migrate(url.href);
  expect(from).toBe(0);
  expect(to).toBeGreaterThan(0);
  expect(await migrate(url.href)).toEqual({ from: to, to });
});
