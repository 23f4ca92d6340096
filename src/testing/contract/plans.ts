import assert from 'node:assert/strict';
import { IndelibleError } from '../../protocol/errors.ts';
import { type Plan, planStatuses } from '../../protocol/plan.ts';
import { logStart } from '../../store/messageLog.ts';
import type { NewPlan } from '../../store/planRecords.ts';
import { nastyStrings } from './anyContent.ts';
import { whenAvailable } from './availability.ts';
import { contractTests } from './contractTest.ts';
import { allOf, oneTo, sample, samples } from './sampleMessages.ts';

const createdAt = '2026-11-23T10:00:00.000Z';
const updatedAt = '2026-11-23T11:00:00.000Z';

function newPlan(planId: string, fields: Partial<NewPlan> = {}): NewPlan {
  const texts = { sessionId: 'sid_1732300000000_4711', userId: 'user', teamId: 'demo', description: 'a task' };
  return { planId, ...texts, status: 'pending', createdAt, ...fields };
}

function asCreated(plan: NewPlan, messageCount = 0): Plan {
  return { ...plan, steps: [], updatedAt: plan.createdAt, messageCount };
}

export const planRecords = contractTests('plan records', {
  'a plan reads as it was created, also after opening again': async (open) => {
    const first = await open();
    const plan = newPlan('p');
    assert.deepEqual(await first.plans.create(plan), asCreated(plan));
    assert.deepEqual(await first.plans.find('p'), asCreated(plan));
    await first.close();
    const second = await open();
    assert.deepEqual(await second.plans.find('p'), asCreated(plan));
    assert.equal(await second.plans.find('P'), undefined);
  },

  'strings are kept exactly, also such as no text type can hold': async (open) => {
    const { plans } = await open();
    for (const [index, text] of nastyStrings.entries()) {
      const plan = newPlan(`p${index}`, { sessionId: text, userId: text, teamId: text, description: text });
      assert.deepEqual(await plans.create(plan), asCreated(plan));
      assert.deepEqual(await plans.find(plan.planId), asCreated(plan));
      const steps = [
        { id: text, description: text, agent: text, status: 'completed', result: { [text]: [text, null, 0.1] } },
      ] as const;
      assert.deepEqual((await plans.change(plan.planId, { steps, updatedAt })).steps, steps);
      const listed = await plans.list({ sessionId: text, limit: 1_000 });
      assert.deepEqual(listed, [{ ...asCreated(plan), steps, updatedAt }], `the session ${JSON.stringify(text)}`);
    }
  },

  'creating a plan that was created throws plan_exists, and the first stays': async (open) => {
    const [one, other] = [await open(), await open()];
    await one.plans.create(newPlan('p'));
    for (const { plans } of [one, other]) {
      await assert.rejects(plans.create(newPlan('p', { description: 'other' })), (error) =>
        IndelibleError.is(error, 'plan_exists'),
      );
    }
    assert.deepEqual(await other.plans.find('p'), asCreated(newPlan('p')));
  },

  'of many who create one plan at once, through two instances, one does': async (open) => {
    const stores = [await open(), await open()] as const;
    const calls = await Promise.allSettled(
      oneTo(20).map((index) => {
        const plan = newPlan('p', { description: `from ${index}` });
        return whenAvailable(() => stores[index % 2 === 0 ? 0 : 1].plans.create(plan));
      }),
    );
    const created = calls.flatMap((call) => (call.status === 'fulfilled' ? [call.value] : []));
    assert.equal(created.length, 1);
    for (const call of calls) assert.ok(call.status === 'fulfilled' || IndelibleError.is(call.reason, 'plan_exists'));
    assert.deepEqual(await stores[0].plans.find('p'), created[0]);
  },

  'a plan that only has messages is a plan, in progress and without a description': async (open) => {
    const { log, plans } = await open();
    await log.append(samples(3));
    const plan = await plans.find('plan');
    assert.match(plan?.createdAt ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const texts = { sessionId: '', userId: '', teamId: '', description: '' };
    const times = { createdAt: plan?.createdAt, updatedAt: plan?.updatedAt };
    assert.deepEqual(plan, { planId: 'plan', ...texts, status: 'in_progress', steps: [], ...times, messageCount: 3 });
    assert.deepEqual(await plans.list({ limit: 10 }), [plan]);
  },

  'a plan that only has messages is taken over by its creation, with its messages': async (open) => {
    const { log, plans } = await open();
    await log.append(samples(2));
    assert.deepEqual(await plans.create(newPlan('plan')), asCreated(newPlan('plan'), 2));
    assert.equal((await allOf(log)).length, 2);
    assert.equal((await log.append([sample('m3')]))[0]?.message.sequence, 3);
    await assert.rejects(plans.create(newPlan('plan')), (error) => IndelibleError.is(error, 'plan_exists'));
  },

  'creating and changing a plan leaves its log alone': async (open) => {
    const { log, plans } = await open();
    await plans.create(newPlan('plan'));
    await plans.change('plan', { status: 'completed', updatedAt });
    assert.deepEqual((await log.heads(['plan'])).get('plan'), logStart);
    await log.append([sample('m1')]);
    await plans.change('plan', { steps: [], updatedAt });
    assert.deepEqual((await log.append([sample('m2')]))[0]?.message.sequence, 2);
  },

  'a change changes what is given and nothing else': async (open) => {
    const { plans } = await open();
    const plan = newPlan('p');
    await plans.create(plan);
    await plans.create(newPlan('other'));
    const steps = [{ id: '1', description: 'look', agent: 'Planner', status: 'in_progress', result: null }] as const;
    assert.deepEqual(await plans.change('p', { status: 'approved', updatedAt }), {
      ...asCreated(plan),
      status: 'approved',
      updatedAt,
    });
    const later = '2026-11-23T12:00:00.000Z';
    const expected = { ...asCreated(plan), status: 'approved', steps, updatedAt: later };
    assert.deepEqual(await plans.change('p', { steps, updatedAt: later }), expected);
    for (const status of planStatuses) {
      assert.deepEqual(await plans.change('p', { status, updatedAt: later }), { ...expected, status });
    }
    assert.deepEqual((await plans.change('p', { steps: [], updatedAt })).steps, []);
    assert.deepEqual(await plans.find('other'), asCreated(newPlan('other')));
  },

  'changing a plan that does not exist throws plan_not_found and makes none': async (open) => {
    const { plans } = await open();
    await plans.create(newPlan('p'));
    for (const planId of ['unknown', 'P', '']) {
      await assert.rejects(plans.change(planId, { status: 'failed', updatedAt }), (error) =>
        IndelibleError.is(error, 'plan_not_found'),
      );
      assert.equal(await plans.find(planId), undefined);
    }
    assert.equal((await plans.list({ limit: 10 })).length, 1);
  },

  'plans are listed newest first, as many as are asked for': async (open) => {
    const { log, plans } = await open();
    assert.deepEqual(await plans.list({ limit: 10 }), []);
    for (const index of oneTo(12)) {
      if (index % 4 === 0) await log.append([sample('m1', { planId: `p${index}` })]);
      else await plans.create(newPlan(`p${index}`));
    }
    await plans.change('p1', { status: 'completed', updatedAt });
    const newestFirst = oneTo(12)
      .toReversed()
      .map((index) => `p${index}`);
    for (const limit of [1, 5, 12, 100]) {
      const listed = await plans.list({ limit });
      assert.deepEqual(
        listed.map(({ planId }) => planId),
        newestFirst.slice(0, limit),
      );
      for (const plan of listed) assert.deepEqual(plan, await plans.find(plan.planId));
    }
  },

  'the plans of a session are listed newest first, and no others': async (open) => {
    const { plans } = await open();
    const sessions = ['s', 'S', 's ', '%', '_', '\ud800', '\ud801', '\ufffd', '"s"'];
    for (const index of oneTo(3 * sessions.length)) {
      await plans.create(newPlan(`p${index}`, { sessionId: sessions[index % sessions.length] as string }));
    }
    for (const [place, sessionId] of sessions.entries()) {
      const own = oneTo(3 * sessions.length).filter((index) => index % sessions.length === place);
      const expected = own.toReversed().map((index) => `p${index}`);
      assert.deepEqual(
        (await plans.list({ sessionId, limit: 100 })).map(({ planId }) => planId),
        expected,
      );
      assert.deepEqual(
        (await plans.list({ sessionId, limit: 2 })).map(({ planId }) => planId),
        expected.slice(0, 2),
      );
    }
    assert.deepEqual(await plans.list({ sessionId: 'unknown', limit: 100 }), []);
  },

  'the message count is that of the log: duplicates, conflicts and updates add nothing': async (open) => {
    const [one, other] = [await open(), await open()];
    await one.plans.create(newPlan('plan'));
    await one.log.append(samples(5));
    await other.log.append([sample('m1'), sample('m2', { content: 'other' }), sample('m6')]);
    await one.log.update(sample('m3', { content: 'changed' }), 1);
    assert.equal((await one.plans.find('plan'))?.messageCount, 6);
    assert.equal((await other.plans.list({ limit: 1 }))[0]?.messageCount, 6);
  },
});
