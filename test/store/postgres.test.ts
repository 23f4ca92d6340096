import { migrate, openPostgresStore } from 'indelible/postgres';
import { storeContract } from 'indelible/testing';
import { describe, expect, it } from 'vitest';
import type { PreparedMessage } from '../../src/protocol/message.ts';
import { allOf, oneTo, plain, sample, samples } from '../../src/testing/contract/sampleMessages.ts';
import { databaseOfTest, execute, storeOfTest } from '../postgres/database.ts';

describe('the store on PostgreSQL keeps the contract', () => {
  it.each(storeContract())('$promise: $name', async (test) => {
    const url = (await databaseOfTest()).url;
    await test.run(() => openPostgresStore(url));
  });
});

describe('the tables on PostgreSQL', () => {
  it('number many plans of one batch, mixed and with ids of all kinds, each in the order of the batch', async () => {
    const store = await storeOfTest((await databaseOfTest()).url);
    // Together too long for one notification.
    const odd = ['a\u2028b', '🙂', '"', '{1,2}', 'NULL', ' x '];
    const planIds = [...odd, ...Array.from({ length: 30 }, (_, n) => `${'é'.repeat(250)}${n}`)];
    const batch = Array.from({ length: 200 }, (_, n) => {
      return sample(`m${n}`, { planId: planIds[(n * n) % planIds.length] as string });
    });
    const outcomes = await store.log.append(batch);
    for (const planId of new Set(batch.map((message) => message.planId))) {
      const answered = outcomes.flatMap(({ message }) => (message.planId === planId ? [plain(message)] : []));
      expect(answered.map((message) => message?.sequence)).toEqual(oneTo(answered.length));
      expect(await allOf(store.log, planId)).toEqual(answered);
    }
  });

  it('never hold a piece of a body: one that is not the single line of an encoded message is refused', async () => {
    const store = await storeOfTest((await databaseOfTest()).url);
    const [first, second, third] = samples(3) as [PreparedMessage, PreparedMessage, PreparedMessage];
    const inTwoLines = { ...first, body: first.body.replace(',', ',\n') };
    for (const batch of [[inTwoLines], [inTwoLines, second], [second, inTwoLines, third]]) {
      await expect(store.log.append(batch)).rejects.toMatchObject({ code: 'store_refused' });
    }
    expect(await allOf(store.log)).toEqual([]);
    expect((await store.log.append([second]))[0]?.message.sequence).toBe(1);
  });

  it('are half made by nobody: a migration that is cut off leaves nothing, and the next one does all', async () => {
    const url = (await databaseOfTest()).url;
    // The last of its statements fails.
    await execute(url, 'CREATE SCHEMA indelible', 'CREATE TABLE indelible.plans ()');
    await expect(migrate(url)).rejects.toMatchObject({ code: 'store_unavailable' });
    const tables = await execute(url, `SELECT tablename FROM pg_tables WHERE schemaname = 'indelible'`);
    expect(tables).toEqual([{ tablename: 'plans' }]);
    await execute(url, 'DROP TABLE indelible.plans');
    expect(await migrate(url)).toEqual({ from: 0, to: 4 });
  });
});
