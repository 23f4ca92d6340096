import { prepareMessage } from 'indelible/protocol';
import { openSqliteStore } from 'indelible/sqlite';
import { type Fault, Faults, storeContract, withFaults } from 'indelible/testing';
import { describe, expect, it, onTestFinished } from 'vitest';

function setUp() {
  const inner = openSqliteStore(':memory:');
  onTestFinished(() => inner.close());
  return { inner, ...withFaults(inner) };
}

function message(messageId: string) {
  return prepareMessage({ planId: 'plan', messageId, agentName: 'Planner', content: 'text' }, { now: () => 0 });
}

describe('a store with faults', () => {
  it('does all that the store does as long as nothing goes wrong', async () => {
    const { store } = setUp();
    expect((await store.log.append([message('m1')]))[0]?.status).toBe('stored');
    expect((await store.log.find('plan', 'm1'))?.sequence).toBe(1);
    expect((await store.plans.find('plan'))?.messageCount).toBe(1);
    expect((await store.log.heads(['plan'])).get('plan')?.sequence).toBe(1);
  });

  it('is unavailable to every call and does nothing, until it is healed', async () => {
    const { store, inner, faults } = setUp();
    faults.refuse();
    for (const call of [
      () => store.log.append([message('m1')]),
      () => store.log.update(message('m1'), 1),
      () => store.log.find('plan', 'm1'),
      () => store.log.read('plan', { sequence: 0, revision: 0 }, 1),
      () => store.log.heads(['plan']),
      () => store.plans.list({ limit: 1 }),
      () => store.plans.find('plan'),
      () => store.plans.change('plan', { updatedAt: '2026-11-23T10:00:00.000Z' }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'store_unavailable' });
    }
    expect(await inner.log.find('plan', 'm1')).toBeUndefined();
    faults.heal();
    await store.log.append([message('m1')]);
    expect(await inner.log.find('plan', 'm1')).toBeDefined();
  });

  it.each<[Fault, boolean]>([
    ['hang', false],
    ['answer_hangs', true],
  ])('answers nothing while it hangs, then does what was asked: %s', async (fault, doneAtOnce) => {
    const { store, inner, faults } = setUp();
    let next: Fault = fault;
    faults.script = () => next;
    let answered = false;
    const appending = store.log.append([message('m1')]).finally(() => {
      answered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(answered).toBe(false);
    expect((await inner.log.find('plan', 'm1')) !== undefined).toBe(doneAtOnce);
    next = 'none';
    faults.heal();
    expect((await appending)[0]?.status).toBe('stored');
    expect(await inner.log.find('plan', 'm1')).toBeDefined();
  });

  it('loses as many answers as asked for, of calls that write, and has done them all', async () => {
    const { store, faults } = setUp();
    faults.loseAnswers(2);
    expect(await store.log.find('plan', 'm1')).toBeUndefined();
    await expect(store.log.append([message('m1')])).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(store.log.update(message('m1'), 1)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await store.log.find('plan', 'm1')).toMatchObject({ version: 2 });
    expect((await store.log.append([message('m1')]))[0]?.status).toBe('duplicate');
  });

  it('refuses whatever writes a poisoned message, and stores nothing of its batch', async () => {
    const { store, faults } = setUp();
    faults.poison('m2', 'm4');
    const batch = [message('m1'), message('m2'), message('m3')];
    await expect(store.log.append(batch)).rejects.toMatchObject({ code: 'store_refused' });
    expect(await store.log.find('plan', 'm1')).toBeUndefined();
    expect(await store.log.append([message('m1'), message('m3')])).toHaveLength(2);
  });

  it('takes longer when asked to', async () => {
    const delays: number[] = [];
    const schedule = (delayMs: number, action: () => void) => {
      delays.push(delayMs);
      action();
      return () => {};
    };
    const faults = new Faults({ now: () => 0, monotonic: () => 0, schedule });
    const { store } = withFaults(setUp().inner, faults);
    faults.delay(5_000);
    await store.log.append([message('m1')]);
    expect(delays).toEqual([5_000]);
  });
});

describe('the contract', () => {
  const contract = storeContract();

  it('has a sentence of its own for each test', () => {
    expect(new Set(contract.map(({ promise, name }) => `${promise}: ${name}`)).size).toBe(contract.length);
  });

  it('fails for a store that loses what it acknowledged, and closes what it opened', async () => {
    const closed: boolean[] = [];
    const test = contract.find(({ name }) => name.startsWith('what append answered is there')) ?? expect.fail();
    const forgetful = async () => {
      const store = openSqliteStore(':memory:');
      return { ...store, close: () => store.close().then(() => void closed.push(true)) };
    };
    await expect(test.run(forgetful)).rejects.toThrow();
    expect(closed.length).toBeGreaterThanOrEqual(2);
  });
});
