import { execFile } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MessageLog } from '../../src/store/messageLog.ts';
import { type PostgresServer, startPostgres } from '../../src/testing/postgresServer.ts';
import { execute } from './database.ts';
import { type Backup, replaceUnderWatchers } from './replaced.ts';
import { restoreUnderLoad } from './restoredUnderLoad.ts';
import { seed } from './seed.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => server.close());

describe('P19: a database that was replaced under live watchers and by another that goes on where it was', () => {
  it.each([
    ['dropped and made anew from a backup', copiedDatabase],
    ['whose tables were put back from a backup', copiedTables],
    ['whose files were put back as they were', copiedFiles],
  ])('%s: watchers are reset or dropped, cursors too, and what watchers hold is what is stored', async (name, kind) => {
    const database = name.replaceAll(' ', '_');
    const url = await server.createDatabase(database);
    const result = await replaceUnderWatchers({ url, backup: kind(database) });
    expect(result).toEqual({
      seenBefore: 40,
      resets: 1,
      dropped: [expect.objectContaining({ code: 'log_replaced' })],
      stored: 60,
      violations: [],
      cursors: [Array(3).fill('reset'), Array(3).fill('reset')],
    });
  });

  it('again and again under load, by the same backup: those who stay and those who come with cursors hold what is stored', async () => {
    const url = await server.createDatabase('again');
    const options = { url, backup: copiedDatabase('again'), restores: 3, seed };
    const { violations, resets } = await restoreUnderLoad(options);
    expect(violations, `SEED=${seed}`).toEqual([]);
    for (const count of resets) expect(count).toBeGreaterThan(0);
  });

  it('control: with an epoch that never changes nobody notices, and watchers hold what is not there', async () => {
    const url = await server.createDatabase('control');
    const result = await replaceUnderWatchers({ url, backup: copiedDatabase('control'), spoil: sameEpoch });
    expect(result).toMatchObject({ seenBefore: 40, resets: 0, dropped: [], stored: 60 });
    expect(result.violations.join('\n')).toMatch(/saw 21 \(lost1\) other than it is stored \(other1\)/);
    expect(result.cursors[0]).toEqual([10, 20, 40].map((sequence) => ({ sequence, revision: 0 })));
  });
});

function copiedDatabase(database: string): Backup {
  let snapshot = '';
  return {
    take: async () => {
      snapshot = await server.snapshot(database);
    },
    restore: () => server.restore(database, snapshot),
  };
}

function copiedTables(database: string): Backup {
  const url = server.superuserUrl(database);
  const tables = ['heads', 'messages', 'plans', 'meta'];
  return {
    take: () =>
      execute(
        url,
        'CREATE SCHEMA backup AUTHORIZATION indelible',
        ...tables.flatMap((table) => [
          `CREATE TABLE backup.${table} (LIKE indelible.${table} INCLUDING ALL)`,
          `INSERT INTO backup.${table} SELECT * FROM indelible.${table}`,
          `ALTER TABLE backup.${table} OWNER TO indelible`,
        ]),
      ),
    restore: () => execute(url, 'DROP SCHEMA indelible CASCADE', 'ALTER SCHEMA backup RENAME TO indelible'),
  };
}

/** As a snapshot of a volume: the cluster, its timeline, the database and its tables are the same as before. */
function copiedFiles(): Backup {
  let folder = '';
  const copy = () => `${folder}.copy`;
  return {
    async take() {
      const [row] = await execute<{ data_directory: string }>(server.superuserUrl(), 'SHOW data_directory');
      folder = row?.data_directory ?? '';
      await server.stop();
      // With their owner, which is not ours where we are root.
      await promisify(execFile)('cp', ['-pR', folder, copy()]);
      await server.start();
      // Time goes by.
      await execute(server.superuserUrl(), 'SELECT pg_switch_wal()');
    },
    async restore() {
      await server.stop('immediate');
      await rm(folder, { recursive: true });
      await rename(copy(), folder);
      await server.start();
    },
  };
}

/** What must not be. */
function sameEpoch(log: MessageLog): MessageLog {
  return {
    epoch: 'always the same',
    append: (batch) => log.append(batch),
    update: (message, version) => log.update(message, version),
    trim: (planId, upTo) => log.trim(planId, upTo),
    find: (planId, messageId) => log.find(planId, messageId),
    read: (planId, after, limit) => log.read(planId, after, limit),
    heads: (planIds) => log.heads(planIds),
    onCommit: (listener) => log.onCommit(listener),
  };
}
