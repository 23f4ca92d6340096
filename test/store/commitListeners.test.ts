import { describe, expect, it } from 'vitest';
import { CommitListeners } from '../../src/store/commitListeners.ts';
import type { PlanCommit } from '../../src/store/messageLog.ts';

function commit(sequence: number): readonly PlanCommit[] {
  return [{ planId: 'p', head: { sequence, revision: 0 }, messages: [], updates: [] }];
}

describe('listeners to commits', () => {
  it('are told one commit after another, also when one of them commits while it is being told', () => {
    const listeners = new CommitListeners();
    const told: unknown[] = [];
    listeners.add((commits) => {
      if (commits !== 'unknown' && commits[0]?.head.sequence === 1) {
        listeners.tell(commit(2));
        listeners.tell('unknown');
      }
    });
    listeners.add((commits) => told.push(commits));
    listeners.tell(commit(1));
    listeners.tell(commit(3));
    expect(told).toEqual([commit(1), commit(2), 'unknown', commit(3)]);
  });

  it('that throw hurt neither the others nor later commits', () => {
    const listeners = new CommitListeners();
    const told: unknown[] = [];
    listeners.add(() => {
      throw new Error('a listener that throws');
    });
    listeners.add((commits) => told.push(commits));
    listeners.tell(commit(1));
    listeners.tell('unknown');
    expect(told).toEqual([commit(1), 'unknown']);
  });

  it('are told nothing more once they are removed, also in the middle of a commit', () => {
    const listeners = new CommitListeners();
    const told: unknown[] = [];
    listeners.add(() => remove());
    const remove = listeners.add((commits) => told.push(commits));
    listeners.tell(commit(1));
    expect(told).toEqual([]);
    expect(listeners.size).toBe(1);
  });

  it('count each subscription, also of one function', () => {
    const listeners = new CommitListeners();
    let told = 0;
    const listener = () => {
      told++;
    };
    const [first, second] = [listeners.add(listener), listeners.add(listener)];
    listeners.tell(commit(1));
    first();
    first();
    listeners.tell(commit(2));
    second();
    listeners.tell(commit(3));
    expect(told).toBe(3);
  });

  it('are told nothing where nothing was committed', () => {
    const listeners = new CommitListeners();
    const told: unknown[] = [];
    listeners.add((commits) => told.push(commits));
    listeners.tell([]);
    expect(told).toEqual([]);
  });
});
