import assert from 'node:assert/strict';
import type { StoredMessage } from '../../protocol/message.ts';
import type { LogPosition, MessageLog, PlanCommit } from '../../store/messageLog.ts';
import { eventually } from './availability.ts';
import { contractTests } from './contractTest.ts';
import { impossible, oneTo, plain, sample, samples } from './sampleMessages.ts';

export const hints = contractTests('hints', {
  'a commit of this instance tells what was committed, plan by plan, in order': async (open) => {
    const { log } = await open();
    const told = listen(log);
    await log.append([sample('a1', { planId: 'a' }), sample('b1', { planId: 'b' }), sample('a2', { planId: 'a' })]);
    await log.append([sample('a3', { planId: 'a' })]);
    await log.update(sample('a1', { planId: 'a', content: 'changed' }), 1);
    await told.reach((commits) => commits.some(({ updates }) => updates.length > 0));
    const own = (planId: string) => carriers(told.commits, planId);
    assert.deepEqual(ids(own('a').flatMap(({ messages }) => messages)), ['a1', 'a2', 'a3']);
    assert.deepEqual(ids(own('b').flatMap(({ messages }) => messages)), ['b1']);
    assert.deepEqual(ids(own('a').flatMap(({ updates }) => updates)), ['a1']);
    for (const commit of told.commits) {
      for (const message of [...commit.messages, ...commit.updates]) {
        assert.equal(message.planId, commit.planId);
        if (message.messageId !== 'a1')
          assert.deepEqual(plain(message), plain(await log.find(message.planId, message.messageId)));
      }
    }
    const changed = own('a').flatMap(({ updates }) => updates)[0];
    assert.deepEqual(plain(changed), plain(await log.find('a', 'a1')));
  },

  'what a hint carries is a run up to its head, also when many commits are made at once': async (open) => {
    const { log } = await open();
    const told = listen(log);
    const batches = oneTo(50).map((batch) => samples(1 + (batch % 3), {}, `b${batch}-`));
    const count = batches.flat().length;
    await Promise.all(batches.map((batch) => log.append(batch)));
    await told.reach((commits) => new Set(commits.flatMap(({ messages }) => ids(messages))).size >= count);
    const carrying = carriers(told.commits, 'plan');
    for (const { head, messages } of carrying) {
      const run = messages.map(({ sequence }) => sequence);
      assert.deepEqual(
        run,
        oneTo(messages.length).map((place) => head.sequence - messages.length + place),
      );
    }
    // Together they are all there is, each commit with its own.
    assert.deepEqual(
      carrying.flatMap(({ messages }) => messages.map(({ sequence }) => sequence)),
      oneTo(count),
    );
    assert.deepEqual(
      carrying.map(({ messages }) => ids(messages).join()).toSorted(),
      batches.map((batch) => batch.map(({ messageId }) => messageId).join()).toSorted(),
    );
  },

  'when a commit is told, it can be read': async (open) => {
    const { log } = await open();
    const reads: Promise<StoredMessage | undefined>[] = [];
    log.onCommit((commits) => {
      if (commits === 'unknown') return;
      for (const { messages } of commits)
        reads.push(...messages.map(({ planId, messageId }) => log.find(planId, messageId)));
    });
    await log.append(samples(5));
    await eventually('the commit is told', () => reads.length >= 5);
    const sequences = (await Promise.all(reads)).map((found) => found?.sequence);
    assert.deepEqual([...new Set(sequences)], oneTo(5));
  },

  'duplicates, conflicts and rejected batches are told as nothing new': async (open) => {
    const { log } = await open();
    await log.append([sample('a')]);
    const told = listen(log);
    await log.append([sample('a'), sample('a', { content: 'other' })]);
    await log.update(sample('a', { content: 'other' }), 9);
    await assert.rejects(log.append([sample('lost'), impossible]));
    await log.append([sample('a'), sample('b')]);
    await told.reach((commits) => commits.some(({ messages }) => messages.length > 0));
    assert.deepEqual(ids(carriers(told.commits, 'plan').flatMap(({ messages }) => messages)), ['b']);
    assert.deepEqual(
      told.commits.flatMap(({ updates }) => updates),
      [],
    );
  },

  'a listener that throws hurts neither the commit nor the other listeners': async (open) => {
    const [one, other] = [await open(), await open()];
    const thrown: unknown[] = [];
    const throwing = (told: unknown) => {
      thrown.push(told);
      throw new Error('a listener that throws');
    };
    one.log.onCommit(throwing);
    other.log.onCommit(throwing);
    const told = listen(one.log);
    const toldOther = listen(other.log);
    assert.equal((await one.log.append(samples(2)))[1]?.status, 'stored');
    assert.equal((await one.log.update(sample('m1', { content: 'changed' }), 1)).status, 'updated');
    await told.reach((commits) => commits.length >= 2);
    await eventually('the other instance is told', () => toldOther.hints > 0);
    assert.ok(thrown.length >= 3);
    assert.equal((await one.log.append([sample('m3')]))[0]?.message.sequence, 3);
  },

  'who has unsubscribed is told nothing more, and may do so twice': async (open) => {
    const { log } = await open();
    const [first, second] = [listen(log), listen(log)];
    await log.append([sample('m1')]);
    await first.reach((commits) => commits.length >= 1);
    first.unsubscribe();
    first.unsubscribe();
    const before = first.hints;
    await log.append([sample('m2')]);
    await second.reach((commits) => commits.some(({ head }) => head.sequence === 2));
    assert.equal(first.hints, before);
  },

  'one function that subscribed twice is told until it has unsubscribed twice': async (open) => {
    const { log } = await open();
    let hints = 0;
    const listener = () => {
      hints++;
    };
    const first = log.onCommit(listener);
    const second = log.onCommit(listener);
    first();
    first();
    await log.append([sample('m1')]);
    await eventually('the second subscription is told', () => hints > 0);
    second();
    const before = hints;
    await log.append([sample('m2')]);
    await log.find('plan', 'm2');
    assert.equal(hints, before);
  },

  'a listener may subscribe, unsubscribe and append from within a hint': async (open) => {
    const { log } = await open();
    const appended: Promise<unknown>[] = [];
    const unsubscribe = log.onCommit((commits) => {
      if (!carriesMessages(commits)) return;
      unsubscribe();
      log.onCommit(() => {});
      appended.push(log.append([sample('from within')]));
    });
    await log.append([sample('m1')]);
    await eventually('the listener is told', () => appended.length === 1);
    await appended[0];
    assert.equal((await log.find('plan', 'from within'))?.sequence, 2);
  },

  'what a listener commits from within a hint is told to all after what they were being told': async (open) => {
    const { log } = await open();
    const unsubscribe = log.onCommit((commits) => {
      if (!carriesMessages(commits)) return;
      unsubscribe();
      void log.append([sample('second')]);
    });
    const told = listen(log);
    await log.append([sample('first')]);
    await told.reach((commits) => ids(commits.flatMap(({ messages }) => messages)).includes('second'));
    assert.deepEqual([...new Set(ids(told.commits.flatMap(({ messages }) => messages)))], ['first', 'second']);
  },

  'a listener that subscribes anew with every hint is not told of one commit without end': async (open) => {
    const { log } = await open();
    let told = 0;
    let unsubscribe = () => {};
    const subscribe = () => {
      unsubscribe = log.onCommit(() => {
        told++;
        unsubscribe();
        if (told < 1_000) subscribe();
      });
    };
    subscribe();
    await log.append([sample('m1')]);
    await log.append([sample('m2')]);
    await eventually('it is told', () => told >= 2);
    assert.ok(told < 1_000, 'told without end');
    unsubscribe();
  },

  'each commit says how far its plan goes with it': async (open) => {
    const { log } = await open();
    const told = listen(log);
    await log.append([sample('a1', { planId: 'a' }), sample('b1', { planId: 'b' }), sample('a2', { planId: 'a' })]);
    await log.update(sample('a1', { planId: 'a', content: 'changed' }), 1);
    await log.append([sample('a1', { planId: 'a', content: 'changed' }), sample('a3', { planId: 'a' })]);
    await told.reach((commits) => carriers(commits, 'a').length >= 3 && carriers(commits, 'b').length >= 1);
    const heads = [
      { sequence: 2, revision: 0 },
      { sequence: 2, revision: 1 },
      { sequence: 3, revision: 1 },
    ];
    assert.deepEqual(carriers(told.commits, 'a').map(position), heads);
    assert.deepEqual(carriers(told.commits, 'b').map(position), [{ sequence: 1, revision: 0 }]);
    // Those that carry nothing tell no other heads.
    for (const commit of told.commits) {
      const known = commit.planId === 'a' ? heads : [{ sequence: 1, revision: 0 }];
      assert.ok(known.some(({ sequence, revision }) => isAt(commit, sequence, revision)));
    }
  },

  'a commit of another instance on the same database is noticed': async (open) => {
    const [watching, writing] = [await open(), await open()];
    const told = listen(watching.log);
    for (let round = 1; round <= 3; round++) {
      const before = told.hints;
      await writing.log.append([sample(`m${round}`)]);
      await eventually('the other instance is told', () => told.hints > before);
    }
    const before = told.hints;
    await writing.log.update(sample('m1', { content: 'changed' }), 1);
    await eventually('the other instance is told of an update', () => told.hints > before);
  },
});

/** The commits to a plan that carry what was committed, in the order of the log, without repeats. */
function carriers(commits: readonly PlanCommit[], planId: string): PlanCommit[] {
  const carrying = commits.filter((commit) => commit.planId === planId && carries(commit));
  const byHead = new Map(carrying.map((commit) => [`${commit.head.sequence} ${commit.head.revision}`, commit]));
  return [...byHead.values()].toSorted(
    (one, other) => one.head.sequence - other.head.sequence || one.head.revision - other.head.revision,
  );
}

function carries({ messages, updates }: PlanCommit): boolean {
  return messages.length + updates.length > 0;
}

function carriesMessages(commits: readonly PlanCommit[] | 'unknown'): boolean {
  return commits !== 'unknown' && commits.some(({ messages }) => messages.length > 0);
}

function isAt({ head }: PlanCommit, sequence: number, revision: number): boolean {
  return head.sequence === sequence && head.revision === revision;
}

function position({ head }: PlanCommit): LogPosition {
  return { sequence: head.sequence, revision: head.revision };
}

function ids(messages: readonly StoredMessage[]): string[] {
  return messages.map(({ messageId }) => messageId);
}

class Told {
  readonly commits: PlanCommit[] = [];
  hints = 0;
  unsubscribe: () => void = () => {};

  async reach(condition: (commits: readonly PlanCommit[]) => boolean): Promise<void> {
    await eventually('the commits are told', () => condition(this.commits));
  }
}

function listen(log: MessageLog): Told {
  const told = new Told();
  told.unsubscribe = log.onCommit((commits) => {
    told.hints++;
    if (commits !== 'unknown') told.commits.push(...commits);
  });
  return told;
}
