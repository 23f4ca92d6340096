import { migrate, openPostgresStore } from 'indelible/postgres';
import { storeContract } from 'indelible/testing';
import { describe, expect, it } from 'vitest';
import { databaseOfTest, execute } from '../postgres/database.ts';

describe('the store on PostgreSQL keeps the contract', () => {
  it.each(storeContract())('$promise: $name', async (test) => {
    const url = (await databaseOfTest()).url;
    await test.run(() => openPostgresStore(url));
  });
});

describe('the tables on PostgreSQL', () => {
  it('are half made by nobody: a migration that is cut off leaves nothing, and the next one does all', async () => {
    const url = (await databaseOfTest()).url;
    // The last of its statements fails.
    await execute(url, 'CREATE SCHEMA indelible', 'CREATE TABLE indelible.plans ()');
    await expect(migrate(url)).rejects.toMatchObject({ code: 'store_unavailable' });
    const tables = await execute(url, `SELECT tablename FROM pg_tables WHERE schemaname = 'indelible'`);
    expect(tables).toEqual([{ tablename: 'plans' }]);
    await execute(url, 'DROP TABLE indelible.plans');
    expect(await migrate(url)).toEqual({ from: 0, to: 2 });
  });
});
