import { describe, expect, it } from 'vitest';
import { prepareMessage } from '../../src/protocol/message.ts';
import { v3RowView } from '../../src/protocol/v3Frames.ts';
import { databaseOfTest, execute, poolOfTest, storeOfTest } from './database.ts';

/** A store with one connection, so that one that is of no use any more would be noticed. */
async function oneConnection() {
  const { url } = await databaseOfTest();
  const { log } = await storeOfTest(url, { poolSize: 1, timeouts: { queryMs: 1_500 } });
  await log.append([prepareMessage({ planId: 'p', agentName: 'a', content: 'c' }, { now: () => 0 })]);
  const pool = poolOfTest(url);
  const page = async () => (await log.readText?.('p', 0, 10, v3RowView))?.sequence;
  return { url, pool, page };
}

describe('rows as text on PostgreSQL', () => {
  it('P9, P18: that the server does not give in time are an outage, and the next call gets them', async () => {
    const { pool, page } = await oneConnection();
    const locking = await pool.connect();
    await locking.query('BEGIN; LOCK TABLE indelible.messages IN ACCESS EXCLUSIVE MODE');
    await expect(page()).rejects.toMatchObject({ code: 'store_unavailable' });
    await locking.query('ROLLBACK');
    locking.release();
    expect(await page()).toBe(1);
  });

  it('P18: whose connection breaks while they come are an outage, and the next call gets them', async () => {
    const { url, pool, page } = await oneConnection();
    const locking = await pool.connect();
    await locking.query('BEGIN; LOCK TABLE indelible.messages IN ACCESS EXCLUSIVE MODE');
    const answer = expect(page()).rejects.toMatchObject({ code: 'store_unavailable' });
    const ended = () =>
      execute<{ ended: boolean }>(
        url,
        `SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
         WHERE application_name = 'indelible' AND query LIKE '%COPY%' AND datname = current_database() AND wait_event_type = 'Lock'`,
      );
    await expect.poll(async () => (await ended()).length, { timeout: 10_000 }).toBe(1);
    await answer;
    await locking.query('ROLLBACK');
    locking.release();
    expect(await page()).toBe(1);
  });

  it('of a statement that fails are refused with its reason, and the connection goes on', async () => {
    const { url, page } = await oneConnection();
    await execute(url, 'ALTER TABLE indelible.messages RENAME TO hidden');
    await expect(page()).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(/^cannot read: .*messages/),
    });
    await execute(url, 'ALTER TABLE indelible.hidden RENAME TO messages');
    expect(await page()).toBe(1);
  });
});
