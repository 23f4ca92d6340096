import assert from 'node:assert/strict';
import { nastyStrings } from './anyContent.ts';
import { eventually, whenAvailable } from './availability.ts';
import { contractTests } from './contractTest.ts';
import { hearing } from './drafts.ts';
import { oneTo, sample, samples } from './sampleMessages.ts';

export const readPositions = contractTests('read positions', {
  'what is behind a position is unread, also after opening again': async (open) => {
    const first = await open();
    await first.log.append(samples(10));
    assert.equal(await first.readPositions.advance('ann', 'plan', 4), 4);
    assert.deepEqual((await first.readPositions.unread('ann', ['plan'])).get('plan'), { read: 4, unread: 6 });
    await first.close();
    const { log, readPositions } = await open();
    await log.append([sample('m11')]);
    assert.deepEqual((await readPositions.unread('ann', ['plan'])).get('plan'), { read: 4, unread: 7 });
  },

  'a position only moves on, and never beyond the last message': async (open) => {
    const { log, readPositions } = await open();
    await log.append(samples(10));
    for (const [sequence, read] of [
      [4, 4],
      [2, 4],
      [0, 4],
      [-1, 4],
      [11, 10],
      [Number.MAX_SAFE_INTEGER, 10],
      [3, 10],
    ] as const) {
      assert.equal(await readPositions.advance('ann', 'plan', sequence), read);
    }
    await log.append([sample('m11')]);
    assert.deepEqual((await readPositions.unread('ann', ['plan'])).get('plan'), { read: 10, unread: 1 });
  },

  'of many who advance at once, through two instances, the furthest stays': async (open) => {
    const stores = [await open(), await open()] as const;
    await stores[0].log.append(samples(40));
    const answers = await Promise.all(
      oneTo(40).map((place) => {
        const sequence = (place * 7) % 41;
        const { readPositions } = stores[place % 2 === 0 ? 0 : 1];
        return whenAvailable(() => readPositions.advance('ann', 'plan', sequence)).then((read) => [sequence, read]);
      }),
    );
    for (const [sequence = 0, read = 0] of answers) assert.ok(read >= sequence, `${sequence} was answered ${read}`);
    for (const { readPositions } of stores) {
      assert.deepEqual((await readPositions.unread('ann', ['plan'])).get('plan'), { read: 40, unread: 0 });
    }
  },

  'P20: each user has positions of their own, whatever their ids look like': async (open) => {
    const { log, readPositions } = await open();
    await log.append(samples(nastyStrings.length + 1));
    for (const [index, user] of nastyStrings.entries()) {
      assert.equal(await readPositions.advance(user, 'plan', index + 1), index + 1);
    }
    for (const [index, user] of nastyStrings.entries()) {
      const { read } = (await readPositions.unread(user, ['plan'])).get('plan') ?? {};
      assert.equal(read, index + 1, JSON.stringify(user));
    }
    assert.deepEqual((await readPositions.unread('Ann', ['plan'])).get('plan')?.read, 0);
  },

  'many plans are answered in one call, each once, those that are not there with zeros': async (open) => {
    const { log, readPositions } = await open();
    await log.append(oneTo(500).map((index) => sample(`m${index}`, { planId: `p${index % 100}` })));
    for (const index of oneTo(50)) await readPositions.advance('ann', `p${index}`, 1 + (index % 5));
    const asked = [...oneTo(99).map((index) => `p${index}`), 'p1', 'unknown', 'constructor', "p1'"];
    const answers = await readPositions.unread('ann', asked);
    assert.equal(answers.size, 102);
    for (const index of oneTo(99)) {
      const read = index <= 50 ? 1 + (index % 5) : 0;
      assert.deepEqual(answers.get(`p${index}`), { read, unread: 5 - read });
    }
    for (const planId of asked.slice(-3)) assert.deepEqual(answers.get(planId), { read: 0, unread: 0 });
    assert.deepEqual(await readPositions.unread('ann', []), new Map());
  },

  'a plan without messages cannot be read, and is not made by trying': async (open) => {
    const { log, plans, readPositions } = await open();
    assert.equal(await readPositions.advance('ann', 'plan', 5), 0);
    assert.equal(await plans.find('plan'), undefined);
    await log.append(samples(3));
    assert.deepEqual((await readPositions.unread('ann', ['plan'])).get('plan'), { read: 0, unread: 3 });
  },

  'what was trimmed is not unread': async (open) => {
    const { log, readPositions } = await open();
    await log.append(samples(10));
    await readPositions.advance('ann', 'plan', 2);
    await readPositions.advance('bob', 'plan', 8);
    await log.trim('plan', 5);
    assert.deepEqual((await readPositions.unread('ann', ['plan'])).get('plan'), { read: 2, unread: 5 });
    assert.deepEqual((await readPositions.unread('bob', ['plan'])).get('plan'), { read: 8, unread: 2 });
  },

  'another instance hears that a user has read on in a plan': async (open) => {
    const [watching, writing] = [await open(), await open()];
    const user = 'ann\n\u0000\ud800 "smith"';
    await writing.log.append(samples(9));
    const heard = hearing(watching);
    const isTold = () => heard.some((hint) => hint.kind === 'read' && hint.planId === 'plan' && hint.userId === user);
    await eventually('it listens', async () => {
      await whenAvailable(() => writing.readPositions.advance(user, 'plan', 1));
      return isTold();
    });
    for (const sequence of [2, 5, 9]) {
      heard.length = 0;
      await whenAvailable(() => writing.readPositions.advance(user, 'plan', sequence));
      await eventually('it hears', isTold);
      assert.equal((await watching.readPositions.unread(user, ['plan'])).get('plan')?.read, sequence);
    }
  },
});
