import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { expect, it, onTestFinished } from 'vitest';
import { IndelibleError } from '../../src/protocol/errors.ts';
import { prepareMessage } from '../../src/protocol/message.ts';
import { migrate, openPostgresStore } from '../../src/store/postgres/index.ts';
import { CommandLine } from '../cli/commandLine.ts';
import { databaseOfTest, execute, migrated, storeOfTest } from './database.ts';

const message = () => prepareMessage({ planId: 'plan', agentName: 'agent', content: 'hello' }, { now: () => 0 });

async function codeOf(opening: Promise<unknown>): Promise<string> {
  const error = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return IndelibleError.is(error) ? error.code : String(error);
}

function call(args: readonly string[], env: Record<string, string> = {}) {
  return new CommandLine(args, { cwd: tmpdir(), env }).ended;
}

it('many processes that open a new database at once find one schema and one epoch', async () => {
  const { url } = await databaseOfTest();
  const stores = await Promise.all(Array.from({ length: 8 }, () => storeOfTest(url)));
  expect(new Set(stores.map(({ log }) => log.epoch)).size).toBe(1);
  await Promise.all(stores.map(({ log }) => log.append([message()])));
  expect((await stores[0]?.log.heads(['plan']))?.get('plan')?.sequence).toBe(8);
});

it('a migration that was done is found done', async () => {
  const { url } = await databaseOfTest();
  const first = await migrate(url);
  expect(first.from).toBe(0);
  expect(await migrate(url)).toEqual({ from: first.to, to: first.to });
});

it('a database without tables is refused where no tables may be made, and left as it was', async () => {
  const { url } = await databaseOfTest();
  expect(await codeOf(openPostgresStore(url, { migrate: false }))).toBe('schema_outdated');
  expect(await execute(url, `SELECT 1 FROM pg_namespace WHERE nspname = 'indelible'`)).toEqual([]);
});

it('a database of a newer version is refused with schema_too_new, migrating or not', async () => {
  const { url } = await databaseOfTest();
  await migrated(url);
  await execute(url, `UPDATE indelible.meta SET value = '99' WHERE key = 'schema_version'`);
  expect(await codeOf(openPostgresStore(url))).toBe('schema_too_new');
  expect(await codeOf(openPostgresStore(url, { migrate: false }))).toBe('schema_too_new');
  expect(await codeOf(migrate(url))).toBe('schema_too_new');
});

it('the role that serves needs no more than SELECT, INSERT and UPDATE, and DELETE on drafts and owners of runs', async () => {
  const { url } = await databaseOfTest();
  await migrated(url);
  const role = `serving_${randomUUID().replaceAll('-', '')}`;
  const admin = new URL(process.env['INDELIBLE_TEST_POSTGRES'] ?? url);
  try {
    await execute(admin.href, `CREATE ROLE ${role} LOGIN PASSWORD 'serving'`);
  } catch {
    // The run's own server: its role that makes databases may make no roles; its superuser may.
    admin.username = 'postgres';
    await execute(admin.href, `CREATE ROLE ${role} LOGIN PASSWORD 'serving'`);
  }
  onTestFinished(async () => {
    await execute(url, `DROP OWNED BY ${role}`).catch(() => {});
    await execute(admin.href, `DROP ROLE IF EXISTS ${role}`).catch(() => {});
  });
  await execute(
    url,
    `GRANT USAGE ON SCHEMA indelible TO ${role}`,
    `GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA indelible TO ${role}`,
    `GRANT DELETE ON indelible.drafts, indelible.run_owners TO ${role}`,
  );
  const serving = new URL(url);
  serving.username = role;
  serving.password = 'serving';
  const store = await storeOfTest(serving.href, { migrate: false });
  const first = message();
  const hints: unknown[] = [];
  onTestFinished(store.log.onCommit((commits) => hints.push(commits)));
  expect((await store.log.append([first]))[0]?.status).toBe('stored');
  expect((await store.log.append([first]))[0]?.status).toBe('duplicate');
  expect((await store.log.update(first, 1)).status).toBe('updated');
  await store.plans.create({
    planId: 'plan',
    sessionId: 's',
    userId: 'u',
    teamId: 't',
    description: 'd',
    status: 'in_progress',
    createdAt: '2026-11-23T00:00:00.000Z',
  });
  expect((await store.plans.list({ limit: 1 }))[0]?.messageCount).toBe(1);
  const draft = { planId: 'plan', draftId: 'd', agentName: 'a', text: 't', updatedAt: '2026', owner: 'o' };
  await store.drafts.put([draft]);
  await store.drafts.remove([draft]);
  await store.runs.join('o');
  const run = { planId: 'run', sessionId: 's', userId: 'u', teamId: 't', description: 'd', status: 'pending' } as const;
  await store.runs.begin({ ...run, createdAt: '2026-11-23T00:00:00.000Z' }, 'o');
  expect(await store.runs.bury('o', 0)).toBe(true);
  await store.runs.join('p');
  expect(await store.runs.take('p', ['t'], 1)).toMatchObject([{ planId: 'run', fence: 2 }]);
  expect(await store.runs.change({ planId: 'run', fence: 2 }, { updatedAt: '2026' })).toBe(true);
  await store.runs.leave('p');
  expect(await store.readPositions.advance('user', 'plan', 1)).toBe(1);
  expect(await store.log.trim('plan', 1)).toBe(1);
  expect(await codeOf(execute(serving.href, 'CREATE TABLE indelible.more (a int)'))).toContain('permission denied');
});

it('indelible migrate makes the tables once, and says whether it had to', async () => {
  const { url } = await databaseOfTest();
  const env = { INDELIBLE_STORE: url };
  const refused = await call(['serve', '--no-migrate', '--port', '0'], env);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('schema_outdated');
  const [first, second] = [await call(['migrate', '--json'], env), await call(['migrate', '--json'], env)];
  expect(JSON.parse(first.stdout)).toMatchObject({ migrated: true });
  expect(JSON.parse(second.stdout)).toMatchObject({ migrated: false });
  expect([first.code, second.code]).toEqual([0, 0]);
});

it('a command that only reads makes no tables, and an address that is no wake is refused by its name', async () => {
  const { url } = await databaseOfTest();
  const env = { INDELIBLE_STORE: url };
  expect((await call(['list'], env)).stderr).toContain('schema_outdated');
  const refused = await call(['list'], { ...env, INDELIBLE_WAKE: 'carrier-pigeon' });
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('INDELIBLE_WAKE');
  expect(await execute(url, `SELECT 1 FROM pg_namespace WHERE nspname = 'indelible'`)).toEqual([]);
});
