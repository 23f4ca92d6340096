import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { PlanQueues } from '../../src/persistence/planQueues.ts';
import type { QueuedSave } from '../../src/persistence/queuedSave.ts';

function save(id: string, size = 1, planId = 'p'): QueuedSave {
  return {
    message: { planId, messageId: id, body: 'x'.repeat(size) },
    answer: () => {},
    acceptedAt: 0,
    answered: false,
    tried: false,
    retries: 0,
    state: 'queued',
    spoolId: 0,
  };
}

function ids(saves: readonly QueuedSave[]): string[] {
  return saves.map((one) => one.message.messageId);
}

const all = () => true;

function decide(queues: PlanQueues, batch: readonly QueuedSave[]): void {
  for (const one of batch) queues.leave(one, 'decided');
  queues.landed(batch);
}

describe('the queues of plans', () => {
  it('are first in, first out, plan by plan', () => {
    const queues = new PlanQueues(10, 1_000);
    for (const [id, plan] of [
      ['a', 'p'],
      ['b', 'q'],
      ['c', 'p'],
    ] as const)
      expect(queues.push(save(id, 1, plan))).toBe(true);
    expect(ids(queues.takeBatch(9, 1_000, all))).toEqual(['a', 'c', 'b']);
  });

  it('never give a plan into two batches at once', () => {
    const queues = new PlanQueues(10, 1_000);
    queues.push(save('a'));
    const first = queues.takeBatch(9, 1_000, all);
    queues.push(save('b'));
    queues.push(save('c', 1, 'q'));
    expect(ids(queues.takeBatch(9, 1_000, all))).toEqual(['c']);
    decide(queues, first);
    expect(ids(queues.takeBatch(9, 1_000, all))).toEqual(['b']);
  });

  it('put what a batch leaves undecided in front of its plan again', () => {
    const queues = new PlanQueues(10, 1_000);
    for (const id of ['a', 'b', 'c']) queues.push(save(id));
    const batch = queues.takeBatch(2, 1_000, all);
    queues.push(save('d'));
    queues.leave(batch[0] as QueuedSave, 'spooled');
    (batch[1] as QueuedSave).state = 'queued';
    queues.landed(batch);
    expect(ids(queues.takeBatch(9, 1_000, all))).toEqual(['b', 'c', 'd']);
  });

  it('refuse what is over their length, counting what is in flight', () => {
    const queues = new PlanQueues(2, 1_000);
    expect([save('a'), save('b', 1, 'q'), save('c')].map((one) => queues.push(one))).toEqual([true, true, false]);
    const batch = queues.takeBatch(1, 1_000, all);
    expect(queues.push(save('d'))).toBe(false);
    decide(queues, batch);
    expect(queues.push(save('e'))).toBe(true);
  });

  it('refuse what is over their size, but one message always has room', () => {
    const queues = new PlanQueues(100, 10);
    expect(queues.push(save('large', 50))).toBe(true);
    expect(queues.push(save('small', 1))).toBe(false);
    decide(queues, queues.takeBatch(1, 1_000, all));
    expect([save('a', 6), save('b', 5), save('c', 4)].map((one) => queues.push(one))).toEqual([true, false, true]);
  });

  it('give batches of at most a size, and one message that is larger alone', () => {
    const queues = new PlanQueues(100, 1_000);
    for (const [id, size] of [
      ['a', 4],
      ['b', 4],
      ['c', 4],
      ['large', 50],
      ['d', 10],
    ] as const)
      queues.push(save(id, size));
    const batches: string[][] = [];
    while (queues.length > 0) {
      const batch = queues.takeBatch(3, 10, all);
      batches.push(ids(batch));
      decide(queues, batch);
    }
    expect(batches).toEqual([['a', 'b'], ['c'], ['large'], ['d']]);
  });

  const anyAction = fc.oneof(
    fc.record({ do: fc.constant('push' as const), plan: fc.constantFrom('p', 'q', 'r') }),
    fc.record({
      do: fc.constant('take' as const),
      count: fc.integer({ min: 1, max: 6 }),
      but: fc.constantFrom('p', 'q', ''),
    }),
    fc.record({ do: fc.constant('land' as const), which: fc.nat(3), decided: fc.nat(6) }),
  );

  test.prop([fc.array(anyAction, { maxLength: 120 })], { numRuns: 500 })(
    'give out each save once, each plan in its order, whatever lands half decided',
    (actions) => {
      const queues = new PlanQueues(1_000, 100_000);
      const pushed: Record<string, string[]> = { p: [], q: [], r: [] };
      const decided: Record<string, string[]> = { p: [], q: [], r: [] };
      const flying: QueuedSave[][] = [];
      let made = 0;
      const land = (batch: QueuedSave[], count: number) => {
        const plans = Map.groupBy(batch, ({ message }) => message.planId);
        for (const saves of plans.values()) {
          for (const [index, one] of saves.entries()) {
            if (index < count) {
              queues.leave(one, 'decided');
              decided[one.message.planId]?.push(one.message.messageId);
            } else one.state = 'queued';
          }
        }
        queues.landed(batch);
      };
      for (const action of actions) {
        if (action.do === 'push') {
          queues.push(save(`m${made}`, 1, action.plan));
          pushed[action.plan]?.push(`m${made++}`);
        } else if (action.do === 'take') {
          const batch = queues.takeBatch(action.count, 1_000, (planId) => planId !== action.but);
          expect(batch.every(({ message }) => message.planId !== action.but)).toBe(true);
          if (batch.length > 0) flying.push(batch);
        } else {
          const [batch] = flying.splice(action.which % Math.max(1, flying.length), 1);
          if (batch !== undefined) land(batch, action.decided);
        }
        const open = Object.keys(pushed).map((plan) => (pushed[plan]?.length ?? 0) - (decided[plan]?.length ?? 0));
        expect(queues.length).toBe(open.reduce((sum, count) => sum + count));
      }
      for (const batch of flying) land(batch, 100);
      for (let batch = queues.takeBatch(7, 100, all); batch.length > 0; batch = queues.takeBatch(7, 100, all))
        land(batch, 100);
      expect(decided).toEqual(pushed);
    },
  );
});
