import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { answerTo, asking, begun, later, planOfRun } from '../../src/testing/contract/sampleRuns.ts';
import { databaseOfTest, storeOfTest } from './database.ts';

/** A transaction that has done these statements and is not yet committed. */
async function underWay(url: string, ...statements: readonly string[]): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  onTestFinished(() => client.end());
  await client.connect();
  for (const statement of ['BEGIN', ...statements]) await client.query(statement);
  return client;
}

/** Whether it has an answer within the time that one takes. */
async function isWaiting(call: Promise<unknown>): Promise<boolean> {
  const waiting = Symbol('waiting');
  return (await Promise.race([call.catch(() => {}), sleep(150, waiting)])) === waiting;
}

it('who takes runs does not wait for one that another is just taking, and gets the next', async () => {
  const { url } = await databaseOfTest();
  const store = await storeOfTest(url);
  await begun(store, 'dead', 'p1', 'p2', 'p3');
  await store.runs.leave('dead');
  await store.runs.join('a');
  const other = await underWay(url, `SELECT FROM indelible.runs WHERE plan_id = 'p1' FOR UPDATE`);
  expect((await store.runs.take('a', ['team'], 1)).map(({ planId }) => planId)).toEqual(['p2']);
  await other.query('ROLLBACK');
  expect((await store.runs.take('a', ['team'], 9)).map(({ planId }) => planId)).toEqual(['p1', 'p3']);
});

it('an owner goes on beating while it takes runs', async () => {
  const { url } = await databaseOfTest();
  const store = await storeOfTest(url);
  await store.runs.join('a');
  await underWay(url, `SELECT FROM indelible.run_owners WHERE owner = 'a' FOR KEY SHARE`);
  expect(await isWaiting(store.runs.beat('a'))).toBe(false);
});

it('who buries an owner waits for what it is just taking, and frees that too', async () => {
  const { url } = await databaseOfTest();
  const store = await storeOfTest(url);
  await begun(store, 'dead', 'p');
  await store.runs.leave('dead');
  await store.runs.join('a');
  const taking = await underWay(
    url,
    `SELECT FROM indelible.run_owners WHERE owner = 'a' FOR KEY SHARE`,
    `UPDATE indelible.runs SET owner = 'a', fence = 2 WHERE plan_id = 'p'`,
  );
  const burying = store.runs.bury('a', 0);
  expect(await isWaiting(burying)).toBe(true);
  await taking.query('COMMIT');
  expect(await burying).toBe(true);
  expect(await store.runs.find('p')).toMatchObject({ owner: undefined, fence: 2 });
});

it('who is just being buried begins, takes, is answered and cancels nothing', async () => {
  const { url } = await databaseOfTest();
  const store = await storeOfTest(url);
  await asking(store, 'dead', 'waiting');
  await begun(store, 'dead', 'free');
  await store.runs.leave('dead');
  await store.runs.join('a');
  const burying = await underWay(url, `DELETE FROM indelible.run_owners WHERE owner = 'a'`);
  const calls = [
    store.runs.take('a', ['team'], 9),
    store.runs.begin(planOfRun('new'), 'a'),
    store.runs.answer('waiting', answerTo('q1', 'a1'), 'a', 'in_progress', later),
    store.runs.cancel('free', 'a'),
  ];
  for (const call of calls) expect(await isWaiting(call)).toBe(true);
  await burying.query('COMMIT');
  for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'run_taken' });
  expect(await store.runs.held('a')).toEqual([]);
  expect(await store.plans.find('new')).toBeUndefined();
});

it('who still thinks to hold a run waits for who is just taking it up, and then changes nothing', async () => {
  const { url } = await databaseOfTest();
  const store = await storeOfTest(url);
  await begun(store, 'a', 'p');
  await store.runs.join('b');
  const takingUp = await underWay(url, `UPDATE indelible.runs SET owner = 'b', fence = 2 WHERE plan_id = 'p'`);
  const held = { planId: 'p', fence: 1 };
  const calls = [
    store.runs.change(held, { status: 'failed', updatedAt: later }),
    store.runs.ask(held, { requestId: 'q', kind: 'approval', messageId: 'm' }, 'pending_approval', later),
    store.runs.end(held, 'failed', later),
  ];
  for (const call of calls) expect(await isWaiting(call)).toBe(true);
  await takingUp.query('COMMIT');
  expect(await Promise.all(calls)).toEqual([false, false, false]);
  expect((await store.plans.find('p'))?.status).toBe('in_progress');
  expect(await store.runs.find('p')).toMatchObject({ state: 'working', owner: 'b', fence: 2 });
});
