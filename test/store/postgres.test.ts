import { migrate, openPostgresStore } from 'indelible/postgres';
import { prepareMessage } from 'indelible/protocol';
import { storeContract } from 'indelible/testing';
import { describe, expect, it } from 'vitest';
import { databaseOfTest, execute, storeOfTest } from '../postgres/database.ts';

describe('the store on PostgreSQL keeps the contract', () => {
  it.each(storeContract())('$promise: $name', async (test) => {
    const url = (await databaseOfTest()).url;
    await test.run(() => openPostgresStore(url));
  });
});

describe('the tables on PostgreSQL', () => {
  it('are made by one of many processes that open an empty database at once, and used by all', async () => {
    const url = (await databaseOfTest()).url;
    const stores = await Promise.all(Array.from({ length: 8 }, () => storeOfTest(url)));
    expect(new Set(stores.map(({ log }) => log.epoch)).size).toBe(1);
    const messages = stores.map((_, index) => message(`m${index}`));
    await Promise.all(stores.map(({ log }, index) => log.append([messages[index] as (typeof messages)[number]])));
    const [first] = stores as [(typeof stores)[number]];
    expect((await first.log.heads(['plan'])).get('plan')).toEqual({ sequence: 8, revision: 0 });
  });

  it('are not made where that was not allowed, and it says what to do', async () => {
    const url = (await databaseOfTest()).url;
    await expect(openPostgresStore(url, { migrate: false })).rejects.toMatchObject({ code: 'schema_outdated' });
    expect(await execute(url, `SELECT FROM pg_namespace WHERE nspname = 'indelible'`)).toEqual([]);
    expect(await migrate(url)).toEqual({ from: 0, to: 1 });
    expect(await migrate(url)).toEqual({ from: 1, to: 1 });
    const store = await storeOfTest(url, { migrate: false });
    expect(await store.log.append([message('m')])).toMatchObject([{ status: 'stored' }]);
  });

  it('of a newer version are left alone', async () => {
    const url = (await databaseOfTest()).url;
    await migrate(url);
    await execute(url, `UPDATE indelible.meta SET value = '1000' WHERE key = 'schema_version'`);
    for (const migrateIt of [true, false]) {
      await expect(openPostgresStore(url, { migrate: migrateIt })).rejects.toMatchObject({ code: 'schema_too_new' });
    }
    await expect(migrate(url)).rejects.toMatchObject({ code: 'schema_too_new' });
    expect(await execute(url, `SELECT value FROM indelible.meta WHERE key = 'schema_version'`)).toEqual([
      { value: '1000' },
    ]);
  });

  it('are half made by nobody: a migration that is cut off leaves nothing, and the next one does all', async () => {
    const url = (await databaseOfTest()).url;
    // The last of its statements fails.
    await execute(url, 'CREATE SCHEMA indelible', 'CREATE TABLE indelible.plans ()');
    await expect(migrate(url)).rejects.toMatchObject({ code: 'store_unavailable' });
    const tables = await execute(url, `SELECT tablename FROM pg_tables WHERE schemaname = 'indelible'`);
    expect(tables).toEqual([{ tablename: 'plans' }]);
    await execute(url, 'DROP TABLE indelible.plans');
    expect(await migrate(url)).toEqual({ from: 0, to: 1 });
  });
});

function message(messageId: string, content = messageId) {
  return prepareMessage({ planId: 'plan', messageId, agentName: 'agent', content }, { now: Date.now });
}
