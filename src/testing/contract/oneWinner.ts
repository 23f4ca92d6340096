import assert from 'node:assert/strict';
import { logStart } from '../../store/messageLog.ts';
import { updateWhenAvailable } from './availability.ts';
import { contractTests } from './contractTest.ts';
import { allOf, asStored, oneTo, plain, sample, samples } from './sampleMessages.ts';

export const oneWinner = contractTests('one winner', {
  'an update keeps the sequence, adds one to the version and takes the next revision of its plan': async (open) => {
    const { log } = await open();
    await log.append([...samples(3), sample('m1', { planId: 'other' })]);
    const steps: [id: string, planId: string, version: number, sequence: number, revision: number][] = [
      ['m2', 'plan', 1, 2, 1],
      ['m1', 'plan', 1, 1, 2],
      ['m2', 'plan', 2, 2, 3],
      ['m1', 'other', 1, 1, 1],
      ['m2', 'plan', 3, 2, 4],
      ['m3', 'plan', 1, 3, 5],
    ];
    for (const [id, planId, version, sequence, revision] of steps) {
      const message = sample(id, { planId, content: `${id} of ${planId}, after ${version}` });
      const outcome = await log.update(message, version);
      assert.equal(outcome.status, 'updated');
      const expected = { ...asStored(message, sequence), version: version + 1, revision };
      assert.deepEqual(outcome.status === 'updated' && plain(outcome.message), expected);
      assert.deepEqual(plain(await log.find(planId, id)), expected);
    }
    assert.deepEqual(
      (await allOf(log)).map(({ version, revision }) => [version, revision]),
      [
        [2, 2],
        [4, 4],
        [2, 5],
      ],
    );
    assert.deepEqual((await log.heads(['plan'])).get('plan'), { sequence: 3, revision: 5 });
  },

  'an update based on another version is told what the message says now, and changes nothing': async (open) => {
    const { log } = await open();
    await log.append(samples(2));
    await log.update(sample('m1', { content: 'second' }), 1);
    const before = await allOf(log);
    for (const version of [1, 3, 1_000, 0, -1]) {
      const outcome = await log.update(sample('m1', { content: 'third' }), version);
      assert.equal(outcome.status, 'conflict', `based on version ${version}`);
      assert.deepEqual(outcome.status === 'conflict' && plain(outcome.message), before[0]);
    }
    assert.deepEqual(await allOf(log), before);
    const next = await log.update(sample('m2', { content: 'second' }), 1);
    assert.equal(next.status === 'updated' && next.message.revision, 2);
  },

  'an update of what is not there answers not_found and makes neither message nor plan': async (open) => {
    const { log, plans } = await open();
    await log.append(samples(1));
    assert.deepEqual(await log.update(sample('m2'), 1), { status: 'not_found' });
    assert.deepEqual(await log.update(sample('m1', { planId: 'other' }), 1), { status: 'not_found' });
    assert.deepEqual(await log.update(sample('M1'), 1), { status: 'not_found' });
    assert.deepEqual(await allOf(log), [asStored(sample('m1'), 1)]);
    assert.equal(await plans.find('other'), undefined);
    assert.deepEqual(
      await log.heads(['plan', 'other']),
      new Map([
        ['plan', { sequence: 1, revision: 0 }],
        ['other', logStart],
      ]),
    );
  },

  'of many who update the same version at once, through two instances, one wins, round after round': async (open) => {
    const stores = [await open(), await open()] as const;
    await stores[0].log.append([sample('m')]);
    for (let round = 1; round <= 20; round++) {
      const outcomes = await Promise.all(
        oneTo(50).map((updater) => {
          const message = sample('m', { content: `round ${round}, updater ${updater}` });
          return updateWhenAvailable(stores[updater % 2 === 0 ? 0 : 1].log, message, round);
        }),
      );
      const winners = outcomes.filter(({ status }) => status === 'updated');
      assert.equal(winners.length, 1, `round ${round} has ${winners.length} winners`);
      const now = plain(await stores[1].log.find('plan', 'm'));
      assert.deepEqual([now?.sequence, now?.version, now?.revision], [1, round + 1, round]);
      for (const outcome of outcomes) assert.deepEqual('message' in outcome && plain(outcome.message), now);
    }
  },

  'updates of several messages at once, through two instances, get the revisions 1 to n': async (open) => {
    const stores = [await open(), await open()] as const;
    await stores[0].log.append(samples(40));
    await Promise.all(
      samples(40, { content: 'changed' }).map((message, index) =>
        updateWhenAvailable(stores[index % 2 === 0 ? 0 : 1].log, message, 1),
      ),
    );
    const stored = await allOf(stores[0].log);
    assert.deepEqual(
      stored.map(({ sequence }) => sequence),
      oneTo(40),
    );
    assert.deepEqual(
      stored.map(({ revision }) => revision).toSorted((one, other) => one - other),
      oneTo(40),
    );
  },

  'appending goes on while messages are updated': async (open) => {
    const [one, other] = [await open(), await open()];
    for (let place = 1; place <= 20; place++) {
      const [appended] = await one.log.append([sample(`m${place}`)]);
      const updated = await other.log.update(sample(`m${place}`, { content: 'changed' }), 1);
      assert.equal(appended?.message.sequence, place);
      assert.equal(updated.status === 'updated' && updated.message.revision, place);
    }
  },
});
