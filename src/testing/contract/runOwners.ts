import assert from 'node:assert/strict';
import { IndelibleError } from '../../protocol/errors.ts';
import type { Store } from '../../store/store.ts';
import { nastyStrings } from './anyContent.ts';
import { eventually, whenAvailable } from './availability.ts';
import { contractTests } from './contractTest.ts';
import { oneTo } from './sampleMessages.ts';
import {
  answerTo,
  asking,
  begun,
  later,
  planIds,
  planOfRun,
  rejectsWith,
  requestOf,
  runAndPlan,
  runOf,
} from './sampleRuns.ts';

export const runOwners = contractTests('owners of runs', {
  'who joins counts as alive from the beat 0, and shows it by one more with each beat': async (open) => {
    const [one, other] = [await open(), await open()];
    assert.deepEqual(await one.runs.owners(), []);
    for (const owner of ['a', 'b', 'B']) await one.runs.join(owner);
    for (const beats of oneTo(3)) {
      assert.equal(await one.runs.beat('a'), true);
      if (beats > 1) assert.equal(await other.runs.beat('b'), true);
    }
    assert.deepEqual(await owners(other), ['B 0', 'a 3', 'b 2']);
    for (const owner of ['c', 'A', '']) assert.equal(await one.runs.beat(owner), false);
    await other.runs.join('a');
    await one.close();
    assert.deepEqual(await owners(await open()), ['B 0', 'a 0', 'b 2']);
  },

  'beats that come at once are all counted': async (open) => {
    const stores = [await open(), await open()] as const;
    await stores[0].runs.join('a');
    await Promise.all(oneTo(30).map((n) => whenAvailable(() => stores[n % 2 === 0 ? 0 : 1].runs.beat('a'))));
    assert.deepEqual(await owners(stores[0]), ['a 30']);
  },

  'who still shows the beat that was seen is buried, and nobody else': async (open) => {
    const [one, other] = [await open(), await open()];
    await begun(one, 'a', 'p');
    await one.runs.join('b');
    await one.runs.beat('a');
    for (const beat of [0, 2, -1]) assert.equal(await other.runs.bury('a', beat), false);
    assert.equal(await other.runs.bury('unknown', 0), false);
    assert.deepEqual(await owners(one), ['a 1', 'b 0']);
    assert.deepEqual(await one.runs.find('p'), runOf('p', 'a'));
    assert.equal(await other.runs.bury('a', 1), true);
    assert.equal(await other.runs.bury('a', 1), false);
    assert.deepEqual(await owners(one), ['b 0']);
    assert.equal(await one.runs.beat('a'), false);
  },

  'of many who bury one owner at once, one does; not one if it beats before': async (open) => {
    const stores = [await open(), await open()] as const;
    for (const round of oneTo(10)) {
      const owner = `o${round}`;
      await begun(stores[0], owner, `p${round}`);
      const calls = await Promise.all(
        oneTo(11).map((index) => {
          const { runs } = stores[index % 2 === 0 ? 0 : 1];
          if (index !== 6) return whenAvailable(() => runs.bury(owner, 0));
          return whenAvailable(() => runs.beat(owner)).then((alive) => (alive ? 'beat' : 'late'));
        }),
      );
      const buried = calls.filter((call) => call === true).length;
      assert.equal(buried, calls.includes('beat') ? 0 : 1, JSON.stringify(calls));
      assert.equal((await stores[1].runs.find(`p${round}`))?.owner, buried === 0 ? owner : undefined);
    }
  },

  'the runs of who was buried or left are free at once; those of others, and what waits or ended, stay': async (
    open,
  ) => {
    const [one, other] = [await open(), await open()];
    await begun(one, 'a', 'a1', 'a2', 'ended');
    await begun(one, 'b', 'b1');
    await begun(one, 'c', 'c1');
    await asking(one, 'a', 'waiting');
    await one.runs.end({ planId: 'ended', fence: 1 }, 'completed', later);
    const untouched = ['ended', 'waiting', 'c1'];
    const before = await Promise.all(untouched.map((planId) => runAndPlan(one, planId)));
    const { plan } = await runAndPlan(one, 'a1');
    assert.equal(await other.runs.bury('a', 0), true);
    await other.runs.leave('b');
    for (const planId of ['a1', 'a2', 'b1']) assert.deepEqual(await one.runs.find(planId), runOf(planId, undefined));
    assert.deepEqual(await one.plans.find('a1'), plan);
    assert.deepEqual(await Promise.all(untouched.map((planId) => runAndPlan(one, planId))), before);
    assert.deepEqual(await owners(one), ['c 0']);
    await one.runs.leave('b');
    await one.runs.leave('unknown');
    assert.deepEqual(await owners(one), ['c 0']);
  },

  'who joins again under its name has not got back what was taken from it, and can go on with nothing': async (
    open,
  ) => {
    const store = await open();
    await begun(store, 'a', 'p', 'q');
    await store.runs.bury('a', 0);
    await store.runs.join('a');
    assert.deepEqual(await store.runs.held('a'), []);
    assert.equal(await store.runs.change({ planId: 'p', fence: 1 }, { updatedAt: later }), false);
    const taken = await store.runs.take('a', ['team'], 1);
    assert.deepEqual(taken, [runOf('p', 'a', { fence: 2 })]);
    assert.equal(await store.runs.end({ planId: 'p', fence: 1 }, 'failed', later), false);
    assert.equal(await store.runs.end({ planId: 'p', fence: 2 }, 'completed', later), true);
  },

  'free runs of the teams are taken, the oldest plan first, as many as are asked for': async (open) => {
    const store = await open();
    const { runs } = store;
    await runs.join('dead');
    const teams = ['one', 'two', 'One', 'one ', '"one"', ...nastyStrings];
    for (const planId of planIds(3 * teams.length)) {
      const place = Number(planId.slice(1)) % teams.length;
      await runs.begin(planOfRun(planId, { teamId: teams[place] as string }), 'dead');
    }
    await begun(store, 'alive', 'worked on');
    await runs.leave('dead');
    await runs.join('a');
    const take = async (teamIds: readonly string[], limit: number) => {
      const taken = await runs.take('a', teamIds, limit);
      for (const run of taken) {
        assert.deepEqual(run, runOf(run.planId, 'a', { fence: 2 }));
        assert.deepEqual(await runs.find(run.planId), run);
      }
      return taken.map(({ planId }) => planId);
    };
    const of = (...places: number[]) =>
      planIds(3 * teams.length).filter((planId) => places.includes(Number(planId.slice(1)) % teams.length));
    assert.deepEqual(await take([], 10), []);
    assert.deepEqual(await take(['unknown'], 10), []);
    assert.deepEqual(await take(['one'], 0), []);
    assert.deepEqual(await take(['one', 'two', 'one'], 3), of(0, 1).slice(0, 3));
    assert.deepEqual(await take(['two', 'one'], 100), of(0, 1).slice(3));
    assert.deepEqual(await take(['one', 'two'], 100), []);
    for (const [place, teamId] of teams.entries()) {
      if (place > 1) assert.deepEqual(await take([teamId], 100), of(place), JSON.stringify(teamId));
    }
    assert.deepEqual(
      (await runs.held('a')).map(({ planId }) => planId),
      planIds(3 * teams.length),
    );
    assert.deepEqual(await runs.find('worked on'), runOf('worked on', 'alive'));
  },

  'what is taken keeps all that is known of it, and its plan stays as it is': async (open) => {
    const store = await open();
    await asking(store, 'a', 'p');
    const answer = answerTo('q1', 'a1');
    await store.runs.answer('p', answer, 'a', 'in_progress', later);
    await store.runs.cancel('p', 'a');
    await store.runs.leave('a');
    await store.runs.join('b');
    const { plan } = await runAndPlan(store, 'p');
    const run = runOf('p', 'b', { fence: 3, request: requestOf('q1'), answer, cancelRequested: true });
    assert.deepEqual(await store.runs.take('b', ['team'], 5), [run]);
    assert.deepEqual(await runAndPlan(store, 'p'), { run, plan });
  },

  'who has not joined takes nothing: run_taken': async (open) => {
    const store = await open();
    await begun(store, 'a', 'p');
    await store.runs.leave('a');
    for (const owner of ['a', 'b']) await rejectsWith('run_taken', store.runs.take(owner, ['team'], 1));
    assert.deepEqual(await store.runs.find('p'), runOf('p', undefined));
  },

  'of many who take at once, through two instances, no two get the same run, and no run is left': async (open) => {
    const stores = [await open(), await open()] as const;
    const count = 60;
    await begun(stores[0], 'dead', ...planIds(count));
    for (const index of oneTo(12)) await stores[0].runs.join(`o${index}`);
    await stores[0].runs.leave('dead');
    const all: string[] = [];
    await Promise.all(
      oneTo(12).map(async (index) => {
        const { runs } = stores[index % 2 === 0 ? 0 : 1];
        for (let idle = 0; idle < 3; ) {
          const taken = await whenAvailable(() => runs.take(`o${index}`, ['team'], 3));
          assert.ok(taken.length <= 3);
          for (const run of taken) {
            assert.deepEqual(run, runOf(run.planId, `o${index}`, { fence: 2 }));
            all.push(run.planId);
          }
          idle = taken.length === 0 ? idle + 1 : 0;
        }
      }),
    );
    assert.deepEqual(all.toSorted(), planIds(count).toSorted());
    for (const planId of all) assert.equal((await stores[0].runs.find(planId))?.fence, 2);
  },

  'who is buried while it begins, takes, is answered and cancels owns nothing afterwards': async (open) => {
    const stores = [await open(), await open()] as const;
    const [one, other] = stores;
    for (const round of oneTo(25)) {
      const owner = `o${round}`;
      const [free, waiting, asked, fresh] = ['free', 'waiting', 'asked', 'new'].map((name) => `${name}${round}`);
      await begun(one, 'dead', free as string);
      for (const planId of [waiting, asked]) await asking(one, 'alive', planId as string);
      await one.runs.leave('dead');
      await one.runs.join(owner);
      const calls = [
        () => one.runs.begin(planOfRun(fresh as string), owner),
        () => one.runs.take(owner, ['team'], 10),
        () => one.runs.answer(asked as string, answerTo('q1', 'a1'), owner, 'in_progress', later),
        () => one.runs.cancel(waiting as string, owner),
      ];
      const [buried, ...others] = await Promise.allSettled([
        whenAvailable(() => other.runs.bury(owner, 0)),
        ...calls.map((call) => whenAvailable<unknown>(call)),
      ]);
      assert.deepEqual(buried, { status: 'fulfilled', value: true });
      for (const call of others) assert.ok(call.status === 'fulfilled' || IndelibleError.is(call.reason, 'run_taken'));
      assert.deepEqual(await one.runs.held(owner), [], `round ${round}`);
      assert.deepEqual(await one.runs.toCancel(owner), []);
      for (const planId of [free, waiting, asked, fresh]) {
        assert.equal((await other.runs.find(planId as string))?.owner, undefined);
      }
    }
  },

  'of who takes a run up and who still thinks to hold it, one writes: the plan is as the newer one left it': async (
    open,
  ) => {
    const stores = [await open(), await open()] as const;
    const [one, other] = stores;
    await other.runs.join('newer');
    for (const round of oneTo(15)) {
      const [planId, owner] = [`p${round}`, `o${round}`];
      await begun(one, owner, planId);
      const late = oneTo(8).map((index) =>
        whenAvailable(() => one.runs.change({ planId, fence: 1 }, { status: 'failed', updatedAt: `200${index}` })),
      );
      const takeUp = async () => {
        await whenAvailable(() => other.runs.leave(owner));
        await eventually('it is taken up', async () => {
          return (await whenAvailable(() => other.runs.take('newer', ['team'], 1))).length === 1;
        });
        const held = { planId, fence: 2 };
        assert.equal(
          await whenAvailable(() => other.runs.change(held, { status: 'approved', updatedAt: later })),
          true,
        );
      };
      await Promise.all([takeUp(), ...late]);
      const plan = await one.plans.find(planId);
      assert.deepEqual([plan?.status, plan?.updatedAt], ['approved', later], `round ${round}`);
    }
  },
});

/** Each with its beat, by name. */
async function owners({ runs }: Store): Promise<string[]> {
  return (await runs.owners()).map(({ owner, beat }) => `${owner} ${beat}`).toSorted();
}
