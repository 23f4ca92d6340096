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

const draft = { planId: 'plan', draftId: 'd', agentName: 'A', text: 'so far', updatedAt: '2026', owner: 'o' };

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
  db.exec(`DROP TABLE drafts; DROP TABLE read_positions; ALTER TABLE heads DROP COLUMN trimmed;
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
  await execute(url, bodiesAsJson, `UPDATE indelible.meta SET value = '2' WHERE key = 'schema_version'`);
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
