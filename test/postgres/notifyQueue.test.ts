import { Client, DatabaseError, type Pool } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { Feed } from '../../src/feed/feed.ts';
import { CommitTelling } from '../../src/store/postgres/commitTelling.ts';
import { sample } from '../../src/testing/contract/sampleMessages.ts';
import { History } from '../../src/testing/history.ts';
import { ManualClock } from '../../src/testing/manualClock.ts';
import { startPostgres } from '../../src/testing/postgresServer.ts';
import { execute, storeOfTest } from './database.ts';
import { PlanWatcher } from './watching.ts';

it('P16: a queue of NOTIFY that is full, for somebody listens and stands still, delays hints but no message', async () => {
  const server = await startPostgres({ settings: { fsync: 'off', max_notify_queue_pages: 64 } });
  onTestFinished(() => server.close());
  const url = await server.createDatabase('app');
  const [writer, watching] = [await storeOfTest(url), await storeOfTest(url)];
  const feed = new Feed({ log: watching.log });
  onTestFinished(() => feed.close());
  const watcher = new PlanWatcher(feed, new History(), 'watcher', 'plan');
  await writer.log.append([sample('before')]);
  await watcher.came('before');

  const stuck = new Client({ connectionString: server.url('postgres') });
  await stuck.connect();
  await stuck.query('LISTEN anything');
  await stuck.query('BEGIN');
  await stuck.query('SELECT 1');
  const fill = `SELECT pg_notify('indelible', '1 0 ' || repeat('x', 7000) || number) FROM generate_series(1, 10) AS number`;
  await expect(execute(url, ...Array(1_000).fill(fill))).rejects.toMatchObject({ code: '54000' });
  for (const place of Array(50).keys()) {
    expect(await writer.log.append([sample(`m${place}`)])).toMatchObject([{ status: 'stored' }]);
    expect(await writer.log.update(sample(`m${place}`, { content: '' }), 1)).toMatchObject({ status: 'updated' });
  }
  await watcher.came('m49');

  await stuck.end();
});

it('P16: after a while of quiet, commits tell again', async () => {
  const clock = new ManualClock();
  const pool = { connect: () => Promise.reject(new Error('not here')) } as unknown as Pool;
  const telling = new CommitTelling(pool, true, clock);
  const full = Object.assign(new DatabaseError('full', 0, 'error'), { code: '54000' });
  const told: boolean[] = [];
  const commit = async () => {
    told.push(telling.now);
    if (telling.now) throw full;
  };
  await telling.during(commit);
  await telling.during(commit);
  clock.advance(5_000);
  expect(telling.now).toBe(true);
  await telling.during(commit);
  expect(told).toEqual([true, false, false, true, false]);
});
