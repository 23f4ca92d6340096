import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { CommitQueue, type QueuedSave } from '../../src/persistence/commitQueue.ts';

function save(id: string, size = 1): QueuedSave {
  const message = { planId: 'p', messageId: id, body: 'x'.repeat(size) };
  return { message, answer: () => {}, acceptedAt: 0, answered: false, tried: false, retries: 0 };
}

function ids(saves: readonly QueuedSave[]): string[] {
  return saves.map((one) => one.message.messageId);
}

describe('the commit queue', () => {
  it('is first in, first out, and what is looked at stays until it is taken', () => {
    const queue = new CommitQueue(10, 1_000);
    for (const id of ['a', 'b', 'c']) expect(queue.push(save(id))).toBe(true);
    expect(ids(queue.peek(2, 1_000))).toEqual(['a', 'b']);
    expect(ids(queue.peek(5, 1_000))).toEqual(['a', 'b', 'c']);
    expect(queue.length).toBe(3);
    expect(ids(queue.take(2))).toEqual(['a', 'b']);
    expect(ids(queue.take(5))).toEqual(['c']);
    expect(queue.length).toBe(0);
  });

  it('refuses what is over its length', () => {
    const queue = new CommitQueue(2, 1_000);
    expect([save('a'), save('b'), save('c')].map((one) => queue.push(one))).toEqual([true, true, false]);
    queue.take(1);
    expect(queue.push(save('d'))).toBe(true);
    expect(ids(queue.peek(9, 1_000))).toEqual(['b', 'd']);
  });

  it('refuses what is over its size, but one message always has room', () => {
    const queue = new CommitQueue(100, 10);
    expect(queue.push(save('large', 50))).toBe(true);
    expect(queue.push(save('small', 1))).toBe(false);
    queue.take(1);
    expect(queue.push(save('a', 6))).toBe(true);
    expect(queue.push(save('b', 5))).toBe(false);
    expect(queue.push(save('c', 4))).toBe(true);
    queue.take(2);
    expect(queue.push(save('d', 10))).toBe(true);
  });

  it('gives batches of at most a size, and one message that is larger alone', () => {
    const queue = new CommitQueue(100, 1_000);
    for (const [id, size] of [
      ['a', 4],
      ['b', 4],
      ['c', 4],
      ['large', 50],
      ['d', 10],
    ] as const)
      queue.push(save(id, size));
    const batches: string[][] = [];
    while (queue.length > 0) batches.push(ids(queue.take(queue.peek(3, 10).length)));
    expect(batches).toEqual([['a', 'b'], ['c'], ['large'], ['d']]);
  });

  it('knows its oldest unanswered save, also after those before it left', () => {
    const queue = new CommitQueue(100, 1_000);
    const saves = ['a', 'b', 'c', 'd'].map((id) => save(id));
    for (const one of saves) queue.push(one);
    for (const one of saves.slice(0, 3)) one.answered = true;
    expect(queue.oldestUnanswered()).toBe(saves[3]);
    queue.take(3);
    expect(queue.oldestUnanswered()).toBe(saves[3]);
    queue.take(1);
    expect(queue.oldestUnanswered()).toBeUndefined();
    const next = save('e');
    queue.push(next);
    expect(queue.oldestUnanswered()).toBe(next);
  });

  const anyAction = fc.oneof(
    fc.record({ do: fc.constant('push' as const), size: fc.integer({ min: 1, max: 10 }) }),
    fc.record({ do: fc.constant('take' as const), count: fc.integer({ min: 0, max: 8 }) }),
    fc.record({ do: fc.constant('answer' as const), place: fc.nat(20) }),
  );

  test.prop([fc.array(anyAction, { maxLength: 200 })], { numRuns: 300 })(
    'always knows its length, its room and its oldest unanswered save',
    (actions) => {
      const queue = new CommitQueue(20, 60);
      let model: QueuedSave[] = [];
      let made = 0;
      for (const action of actions) {
        if (action.do === 'push') {
          const one = save(`m${made++}`, action.size);
          const size = model.reduce((sum, other) => sum + other.message.body.length, action.size);
          const room = model.length === 0 || (model.length < 20 && size <= 60);
          expect(queue.push(one)).toBe(room);
          if (room) model.push(one);
        } else if (action.do === 'take') {
          expect(ids(queue.take(action.count))).toEqual(ids(model.slice(0, action.count)));
          model = model.slice(action.count);
        } else {
          const one = model[action.place];
          if (one !== undefined) one.answered = true;
        }
        expect(queue.length).toBe(model.length);
        expect(ids(queue.peek(100, 1_000))).toEqual(ids(model));
        expect(queue.oldestUnanswered()).toBe(model.find(({ answered }) => !answered));
      }
    },
  );
});
