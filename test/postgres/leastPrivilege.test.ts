import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../src/store/postgres/index.ts';
import { sample } from '../../src/testing/contract/sampleMessages.ts';
import { type PostgresServer, startPostgres } from '../../src/testing/postgresServer.ts';
import { execute, storeOfTest } from './database.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => server.close());

describe('a role with few rights', () => {
  it('serves, with those to read, insert and update once the tables are there', async () => {
    await server.createDatabase('serves');
    const url = server.superuserUrl('serves');
    await migrate(url);
    await execute(
      url,
      'CREATE ROLE serves LOGIN',
      'GRANT USAGE ON SCHEMA indelible TO serves',
      'GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA indelible TO serves',
    );
    const { log, plans } = await storeOfTest(as('serves', url));
    expect(await log.append([sample('a'), sample('b')])).toMatchObject([{ status: 'stored' }, { status: 'stored' }]);
    expect(await log.append([sample('b'), sample('c')])).toMatchObject([{ status: 'duplicate' }, { status: 'stored' }]);
    expect(await log.update(sample('a', { content: 'changed' }), 1)).toMatchObject({ status: 'updated' });
    const createdAt = '2026-11-23T10:00:00.000Z';
    const plan = { planId: 'p', sessionId: '', userId: '', teamId: '', description: '', createdAt };
    await plans.create({ ...plan, status: 'in_progress' });
    await plans.change('p', { status: 'completed', updatedAt: createdAt });
    expect(await plans.list({ limit: 10 })).toHaveLength(2);
    expect((await log.read('plan', { sequence: 0, revision: 0 }, 10)).messages).toHaveLength(3);
    expect(await migrate(as('serves', url))).toEqual({ from: 1, to: 1 });
  });

  it('makes the tables, with that to make some in a schema that was made for it', async () => {
    await server.createDatabase('makes');
    const url = server.superuserUrl('makes');
    await execute(url, 'CREATE ROLE makes LOGIN', 'CREATE SCHEMA indelible AUTHORIZATION makes');
    expect(await migrate(as('makes', url))).toEqual({ from: 0, to: 1 });
  });
});

function as(role: string, url: string): string {
  const parsed = new URL(url);
  parsed.username = role;
  return parsed.href;
}
