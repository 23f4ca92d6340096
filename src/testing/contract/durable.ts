import assert from 'node:assert/strict';
import type { PreparedMessage, StoredMessage } from '../../protocol/message.ts';
import { rejectsAsStore } from './availability.ts';
import { contractTests } from './contractTest.ts';
import { allOf, asStored, impossible, plain, sample, samples } from './sampleMessages.ts';
import { answerTo, later, planOfRun, requestOf } from './sampleRuns.ts';

export const durable = contractTests('durable', {
  'what append answered is there after closing and opening again': async (open) => {
    const first = await open();
    const batch = samples(10);
    const outcomes = await first.log.append(batch);
    await first.close();
    const second = await open();
    const expected = batch.map((message, index) => asStored(message, index + 1));
    assert.deepEqual(
      outcomes.map((outcome) => plain(outcome.message)),
      expected,
    );
    assert.deepEqual(await allOf(second.log), expected);
  },

  'an update is there after closing and opening again': async (open) => {
    const first = await open();
    await first.log.append(samples(3));
    const changed = sample('m2', { content: 'changed' });
    await first.log.update(changed, 1);
    await first.close();
    const second = await open();
    const expected = { ...asStored(changed, 2), version: 2, revision: 1 };
    assert.deepEqual(plain(await second.log.find('plan', 'm2')), expected);
  },

  'sequences and revisions go on where they were after opening again': async (open) => {
    const first = await open();
    await first.log.append(samples(3));
    await first.log.update(sample('m1', { content: 'changed' }), 1);
    await first.close();
    const { log } = await open();
    const [appended] = await log.append([sample('m4')]);
    const updated = await log.update(sample('m3', { content: 'changed' }), 1);
    assert.equal(appended?.message.sequence, 4);
    assert.equal(updated.status === 'updated' && updated.message.revision, 2);
    assert.deepEqual((await log.heads(['plan'])).get('plan'), { sequence: 4, revision: 2 });
  },

  'the epoch stays when the same database is opened again': async (open) => {
    const first = await open();
    const second = await open();
    const { epoch } = first.log;
    await first.log.append(samples(1));
    await first.close();
    const third = await open();
    assert.ok(epoch.length > 0);
    assert.deepEqual([second.log.epoch, third.log.epoch], [epoch, epoch]);
  },

  'a batch that is rejected has stored nothing and used up no sequence': async (open) => {
    const { log } = await open();
    await log.append([sample('before')]);
    const batch = [sample('m1'), sample('other', { planId: 'other' }), sample('m2'), impossible, sample('m3')];
    await assert.rejects(log.append(batch));
    assert.deepEqual(
      (await allOf(log)).map(({ messageId }) => messageId),
      ['before'],
    );
    assert.deepEqual(await allOf(log, 'other'), []);
    const outcomes = await log.append([sample('m1'), sample('other', { planId: 'other' })]);
    assert.deepEqual(
      outcomes.map(({ status, message }) => [status, message.sequence]),
      [
        ['stored', 2],
        ['stored', 1],
      ],
    );
  },

  'an update that is rejected has changed nothing and used up no revision': async (open) => {
    const { log } = await open();
    const [message] = samples(1) as [PreparedMessage];
    await log.append([message]);
    await assert.rejects(log.update({ ...message, body: impossible.body }, 1));
    assert.deepEqual(await allOf(log), [asStored(message, 1)]);
    const outcome = await log.update(sample('m1', { content: 'changed' }), 1);
    assert.equal(outcome.status === 'updated' && outcome.message.revision, 1);
  },

  'a store may be closed twice': async (open) => {
    const store = await open();
    await store.log.append(samples(1));
    await Promise.all([store.close(), store.close()]);
    await store.close();
  },

  'close waits for what is being written': async (open) => {
    const first = await open();
    const appending = Promise.allSettled(samples(20).map((message) => first.log.append([message])));
    await first.close();
    const acknowledged = (await appending).flatMap((call) => (call.status === 'fulfilled' ? call.value : []));
    const second = await open();
    const stored = new Set((await allOf(second.log)).map(({ messageId }) => messageId));
    for (const { message } of acknowledged) assert.ok(stored.has(message.messageId), `${message.messageId} is lost`);
  },

  'a closed store rejects every call with a code': async (open) => {
    const { log, plans, runs, drafts, readPositions, close } = await openAndClose(open);
    await rejectsAsStore(log.append(samples(1)));
    await rejectsAsStore(log.update(sample('m1'), 1));
    await rejectsAsStore(log.find('plan', 'm1'));
    await rejectsAsStore(log.read('plan', { sequence: 0, revision: 0 }, 10));
    await rejectsAsStore(log.heads(['plan']));
    await rejectsAsStore(plans.find('plan'));
    await rejectsAsStore(plans.list({ limit: 10 }));
    await rejectsAsStore(plans.change('plan', { updatedAt: '2026-11-23T10:00:00.000Z' }));
    await rejectsAsStore(runs.begin(planOfRun('plan'), 'owner'));
    await rejectsAsStore(runs.find('plan'));
    await rejectsAsStore(runs.join('owner'));
    await rejectsAsStore(runs.beat('owner'));
    await rejectsAsStore(runs.owners());
    await rejectsAsStore(runs.bury('owner', 0));
    await rejectsAsStore(runs.leave('owner'));
    await rejectsAsStore(runs.take('owner', ['team'], 1));
    await rejectsAsStore(runs.held('owner'));
    await rejectsAsStore(runs.change({ planId: 'plan', fence: 1 }, { updatedAt: later }));
    await rejectsAsStore(runs.ask({ planId: 'plan', fence: 1 }, requestOf('q'), 'pending_approval', later));
    await rejectsAsStore(runs.answer('plan', answerTo('q', 'a'), 'owner', 'in_progress', later));
    await rejectsAsStore(runs.end({ planId: 'plan', fence: 1 }, 'completed', later));
    await rejectsAsStore(runs.cancel('plan', 'owner'));
    await rejectsAsStore(runs.toCancel('owner'));
    await rejectsAsStore(log.trim('plan', 1));
    await rejectsAsStore(drafts.ofPlans(['plan']));
    await rejectsAsStore(drafts.touch('owner', '2026-11-23T10:00:00.000Z'));
    await rejectsAsStore(readPositions.advance('user', 'plan', 1));
    await rejectsAsStore(readPositions.unread('user', ['plan']));
    await close();
  },

  'what one instance stored, another one that was open already sees at once': async (open) => {
    const [one, other] = [await open(), await open()];
    assert.deepEqual(await allOf(other.log), []);
    const [outcome] = await one.log.append(samples(1));
    assert.deepEqual(plain(await other.log.find('plan', 'm1')), plain(outcome?.message as StoredMessage));
    await one.log.update(sample('m1', { content: 'changed' }), 1);
    assert.equal((await other.log.find('plan', 'm1'))?.version, 2);
  },
});

async function openAndClose(open: Parameters<(typeof durable)[number]['run']>[0]) {
  const store = await open();
  await store.close();
  const { log, plans, runs, drafts, readPositions } = store;
  return { log, plans, runs, drafts, readPositions, close: () => store.close() };
}
