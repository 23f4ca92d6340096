import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { allOf, sample, samples } from '../../src/testing/contract/sampleMessages.ts';
import { databaseOfTest, execute } from '../postgres/database.ts';
import { storesUnderTest } from '../storesUnderTest.ts';

const draft = { planId: 'plan', draftId: 'd', agentName: 'A', text: 'so far', updatedAt: '2026', owner: 'o' };

const plan = {
  planId: 'created',
  sessionId: 's',
  userId: 'u',
  teamId: 't',
  description: 'd',
  status: 'in_progress',
  createdAt: '2026-11-23T10:00:00.000Z',
} as const;

/** As it was up to schema version 3 of PostgreSQL. */
const withoutRuns = 'DROP TABLE indelible.runs, indelible.run_owners';

/** As they were up to schema version 2. */
const bodiesAsJson = 'ALTER TABLE indelible.messages ALTER COLUMN body TYPE json USING body::json';

async function expectToGoOn(store: Store, epoch: string): Promise<void> {
  onTestFinished(() => store.close());
  expect(store.log.epoch).toBe(epoch);
  expect((await allOf(store.log)).map(({ messageId }) => messageId)).toEqual(['m1', 'm2', 'm3']);
  expect((await store.log.append(samples(4))).map(({ status }) => status)).toEqual([
    'duplicate',
    'duplicate',
    'duplicate',
    'stored',
  ]);
  await store.runs.join('owner');
  await store.runs.begin({ ...plan, planId: 'new' }, 'owner');
  expect(await store.runs.find('new')).toMatchObject({ owner: 'owner', fence: 1 });
  await store.drafts.put([draft]);
  expect((await store.drafts.ofPlans(['plan'])).map(({ text }) => text)).toEqual(['so far']);
  expect(await store.readPositions.advance('ann', 'plan', 2)).toBe(2);
  expect(await store.log.trim('plan', 3)).toBe(3);
  expect((await store.plans.find('plan'))?.messageCount).toBe(1);
}

it('a SQLite file of schema version 1 is brought up to date with all it holds', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'indelible-migrated-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'log.db');
  const before = openSqliteStore(path);
  await before.log.append(samples(3));
  await before.close();
  const db = new DatabaseSync(path);
  db.exec(`DROP TABLE runs; DROP TABLE run_owners; DROP TABLE drafts; DROP TABLE read_positions; ALTER TABLE heads DROP COLUMN trimmed;
           DELETE FROM meta WHERE key = 'record_changes'; PRAGMA user_version = 1`);
  db.close();
  await expectToGoOn(openSqliteStore(path), before.log.epoch);
});

it('a PostgreSQL of schema version 1 is refused where nothing may be migrated, else brought up to date', async () => {
  const { url } = await databaseOfTest();
  const before = await openPostgresStore(url);
  await before.log.append(samples(3));
  await before.close();
  await execute(
    url,
    bodiesAsJson,
    withoutRuns,
    'DROP TABLE indelible.drafts, indelible.read_positions',
    'ALTER TABLE indelible.heads DROP COLUMN trimmed',
    `UPDATE indelible.meta SET value = '1' WHERE key = 'schema_version'`,
  );
  await expect(openPostgresStore(url, { migrate: false })).rejects.toMatchObject({ code: 'schema_outdated' });
  await expectToGoOn(await openPostgresStore(url), before.log.epoch);
});

it('a PostgreSQL of schema version 2 keeps every character of every body, large ones too, and still refuses an id twice', async () => {
  const { url } = await databaseOfTest();
  const before = await openPostgresStore(url);
  const contents = ['\u0000 \ud800 \u2028 "\\', '🙂 é', 'x'.repeat(100_000), 'line\nline'];
  const given = contents.map((content, n) =>
    sample(`m${n}`, { content, metadata: { [content.slice(0, 9)]: content } }),
  );
  await before.log.append(given);
  await before.log.update(sample('m1', { content: 'changed' }), 1);
  const stored = await allOf(before.log);
  await before.close();
  await execute(url, withoutRuns, bodiesAsJson, `UPDATE indelible.meta SET value = '2' WHERE key = 'schema_version'`);
  await expect(openPostgresStore(url, { migrate: false })).rejects.toMatchObject({ code: 'schema_outdated' });
  const after = await openPostgresStore(url);
  onTestFinished(() => after.close());
  expect(after.log.epoch).toBe(before.log.epoch);
  expect(await allOf(after.log)).toEqual(stored);
  expect((await after.log.append(given)).map(({ status }) => status)).toEqual([
    'duplicate',
    'conflict',
    'duplicate',
    'duplicate',
  ]);
  const [column] = await execute(url, `SELECT pg_typeof(body)::text AS type FROM indelible.messages LIMIT 1`);
  expect(column).toEqual({ type: 'text' });
});

it.each(storesUnderTest)(
  'plans from before there were runs have none, and can be worked with on $name',
  async (kind) => {
    const database = await kind.create();
    onTestFinished(() => database.drop());
    const before = await database.open();
    const stored = await before.plans.create(plan);
    await before.log.append(samples(3));
    await before.close();
    if (kind.name === 'sqlite') {
      const db = new DatabaseSync(database.address.replace('sqlite:', ''));
      db.exec('DROP TABLE runs; DROP TABLE run_owners; PRAGMA user_version = 2');
      db.close();
    } else {
      const version = `UPDATE indelible.meta SET value = '3' WHERE key = 'schema_version'`;
      await execute(database.address, withoutRuns, version);
    }
    const after = await database.open();
    expect(await after.plans.find('created')).toEqual(stored);
    for (const planId of ['created', 'plan']) expect(await after.runs.find(planId)).toBeUndefined();
    await after.runs.join('owner');
    expect(await after.runs.take('owner', ['t', ''], 10)).toEqual([]);
    await expect(after.runs.begin(plan, 'owner')).rejects.toMatchObject({ code: 'plan_exists' });
    await expectToGoOn(after, before.log.epoch);
  },
);
