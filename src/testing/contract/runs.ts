import assert from 'node:assert/strict';
import { IndelibleError } from '../../protocol/errors.ts';
import { anyText, nastyStrings } from './anyContent.ts';
import { whenAvailable } from './availability.ts';
import { contractTests } from './contractTest.ts';
import { allOf, oneTo, sample, samples } from './sampleMessages.ts';
import {
  answerTo,
  asking,
  begun,
  later,
  planOfRun,
  rejectsWith,
  requestOf,
  runAndPlan,
  runOf,
  tryAll,
} from './sampleRuns.ts';
import { SeededRandom } from './seededRandom.ts';

export const runRecords = contractTests('runs', {
  'a run begins with its plan, at the fence 1, and reads so everywhere and after opening again': async (open) => {
    const [one, other] = [await open(), await open()];
    await one.runs.join('a');
    const plan = { ...planOfRun('p'), steps: [], updatedAt: planOfRun('p').createdAt, messageCount: 0 };
    assert.deepEqual(await one.runs.begin(planOfRun('p'), 'a'), plan);
    assert.deepEqual(await runAndPlan(other, 'p'), { run: runOf('p', 'a'), plan });
    assert.deepEqual(await other.runs.find('P'), undefined);
    for (const store of [one, other]) await store.close();
    assert.deepEqual(await runAndPlan(await open(), 'p'), { run: runOf('p', 'a'), plan });
  },

  'who has not joined begins nothing: run_taken, and neither run nor plan is made': async (open) => {
    const store = await open();
    await store.runs.join('a');
    for (const owner of ['b', 'A', '']) await rejectsWith('run_taken', store.runs.begin(planOfRun('p'), owner));
    assert.deepEqual(await runAndPlan(store, 'p'), { run: undefined, plan: undefined });
  },

  'beginning a plan that was created or begun throws plan_exists, and the first stays': async (open) => {
    const [one, other] = [await open(), await open()];
    await begun(one, 'a', 'begun');
    await one.plans.create(planOfRun('created'));
    await other.runs.join('b');
    for (const planId of ['begun', 'created']) {
      const before = await runAndPlan(one, planId);
      await rejectsWith('plan_exists', other.runs.begin(planOfRun(planId, { description: 'other' }), 'b'));
      await rejectsWith('plan_exists', one.runs.begin(planOfRun(planId), 'a'));
      assert.deepEqual(await runAndPlan(one, planId), before);
    }
    await rejectsWith('plan_exists', one.plans.create(planOfRun('begun')));
    assert.equal(await one.runs.find('created'), undefined);
  },

  'a plan that only has messages has no run, and is taken over by its beginning, with its messages': async (open) => {
    const store = await open();
    await store.log.append(samples(2));
    assert.equal(await store.runs.find('plan'), undefined);
    await store.runs.join('a');
    assert.equal((await store.runs.begin(planOfRun('plan'), 'a')).messageCount, 2);
    assert.equal((await store.log.append([sample('m3')]))[0]?.message.sequence, 3);
    assert.equal((await allOf(store.log)).length, 3);
    assert.deepEqual(await store.runs.find('plan'), runOf('plan', 'a'));
  },

  'of many who begin one plan at once, through two instances, one does': async (open) => {
    const stores = [await open(), await open()] as const;
    for (const index of oneTo(20)) await stores[0].runs.join(`o${index}`);
    const calls = await Promise.allSettled(
      oneTo(20).map((index) => {
        const plan = planOfRun('p', { description: `of o${index}` });
        return whenAvailable(() => stores[index % 2 === 0 ? 0 : 1].runs.begin(plan, `o${index}`));
      }),
    );
    const done = calls.flatMap((call) => (call.status === 'fulfilled' ? [call.value] : []));
    assert.equal(done.length, 1);
    for (const call of calls) assert.ok(call.status === 'fulfilled' || IndelibleError.is(call.reason, 'plan_exists'));
    assert.equal(`of ${(await stores[1].runs.find('p'))?.owner}`, done[0]?.description);
  },

  'who holds a run changes of its plan what is given, and nothing else': async (open) => {
    const store = await open();
    await begun(store, 'a', 'p', 'other');
    const { plan } = await runAndPlan(store, 'p');
    const other = await runAndPlan(store, 'other');
    const held = { planId: 'p', fence: 1 };
    assert.equal(await store.runs.change(held, { status: 'approved', updatedAt: later }), true);
    assert.deepEqual(await store.plans.find('p'), { ...plan, status: 'approved', updatedAt: later });
    const steps = nastyStrings.map(
      (text) =>
        ({ id: text, description: text, agent: text, status: 'completed', result: { [text]: [text] } }) as const,
    );
    assert.equal(await store.runs.change(held, { steps, updatedAt: '2027' }), true);
    assert.deepEqual(await store.plans.find('p'), { ...plan, status: 'approved', steps, updatedAt: '2027' });
    assert.deepEqual(await store.runs.find('p'), runOf('p', 'a'));
    assert.deepEqual(await runAndPlan(store, 'other'), other);
  },

  'who does not hold a run changes nothing of it: with another fence, or while it waits, is free, or has ended': async (
    open,
  ) => {
    const store = await open();
    const { runs } = store;
    await begun(store, 'a', 'worked on', 'waiting', 'ended', 'canceled', 'answered');
    await begun(store, 'dead', 'taken', 'free');
    await runs.end({ planId: 'ended', fence: 1 }, 'completed', later);
    for (const planId of ['waiting', 'answered', 'canceled']) {
      await runs.ask({ planId, fence: 1 }, requestOf('q1'), 'pending_approval', later);
    }
    await runs.cancel('canceled', 'a');
    await runs.answer('answered', answerTo('q1', 'a1'), 'a', 'in_progress', later);
    await runs.leave('dead');
    await runs.join('dead');
    await runs.take('a', ['team'], 1);
    const not = new Map([
      ['worked on', [0, 2]],
      ['waiting', [0, 1, 2]],
      ['ended', [0, 2]],
      ['canceled', [1, 3]],
      ['answered', [1, 3]],
      ['free', [0, 1, 2]],
      ['taken', [1, 3]],
      ['unknown', [0, 1]],
    ]);
    for (const [planId, fences] of not) {
      const before = await runAndPlan(store, planId);
      for (const fence of fences) {
        assert.deepEqual(await tryAll(runs, planId, fence), [false, false, false], `${planId} ${fence}`);
        assert.deepEqual(await runAndPlan(store, planId), before);
      }
    }
    for (const [planId, fence] of [
      ['worked on', 1],
      ['canceled', 2],
      ['answered', 2],
      ['taken', 2],
    ] as const) {
      assert.equal(await runs.change({ planId, fence }, { updatedAt: later }), true, planId);
    }
  },

  'a run that asks waits and is nobody’s, with the question, and its plan says so': async (open) => {
    const [one, other] = [await open(), await open()];
    await begun(one, 'a', 'p');
    const request = requestOf('q1', { kind: 'clarification' });
    assert.equal(await one.runs.ask({ planId: 'p', fence: 1 }, request, 'pending_clarification', later), true);
    const { run, plan } = await runAndPlan(other, 'p');
    assert.deepEqual(run, runOf('p', undefined, { state: 'waiting', request }));
    assert.deepEqual([plan?.status, plan?.updatedAt], ['pending_clarification', later]);
    assert.deepEqual(await other.runs.take('a', ['team'], 10), []);
    assert.deepEqual(await other.runs.held('a'), []);
  },

  'asked once more after the answer of the call was lost, it is asked once': async (open) => {
    const store = await open();
    await asking(store, 'a', 'p');
    const before = await runAndPlan(store, 'p');
    const held = { planId: 'p', fence: 1 };
    assert.equal(await store.runs.ask(held, requestOf('q1'), 'pending_approval', '2027'), true);
    assert.equal(await store.runs.ask(held, requestOf('q2'), 'pending_approval', '2027'), false);
    assert.deepEqual(await runAndPlan(store, 'p'), before);
    await store.runs.answer('p', answerTo('q1', 'a1'), 'a', 'in_progress', later);
    assert.equal(await store.runs.ask(held, requestOf('q1'), 'pending_approval', '2027'), false);
  },

  'an answer takes the run: it is the owner’s, with the next fence, and its plan goes on': async (open) => {
    const [one, other] = [await open(), await open()];
    await asking(one, 'a', 'p');
    await other.runs.join('b');
    const answer = answerTo('q1', 'a1', { approved: false, text: 'not so fast' });
    const run = runOf('p', 'b', { fence: 2, request: requestOf('q1'), answer });
    const answered = await other.runs.answer('p', answer, 'b', 'in_progress', '2027');
    assert.deepEqual(answered, { outcome: 'taken', run });
    const stored = await runAndPlan(one, 'p');
    assert.deepEqual(stored.run, run);
    assert.deepEqual([stored.plan?.status, stored.plan?.updatedAt], ['in_progress', '2027']);
    assert.deepEqual(await one.runs.held('b'), [run]);
  },

  'the next question takes the place of the one before, and of its answer': async (open) => {
    const store = await open();
    await asking(store, 'a', 'p');
    await store.runs.answer('p', answerTo('q1', 'a1'), 'a', 'in_progress', later);
    assert.equal(
      await store.runs.ask({ planId: 'p', fence: 2 }, requestOf('q2'), 'pending_clarification', later),
      true,
    );
    const waiting = runOf('p', undefined, { state: 'waiting', fence: 2, request: requestOf('q2') });
    assert.deepEqual(await store.runs.find('p'), waiting);
    for (const answer of [answerTo('q1', 'a1'), answerTo('q1', 'a2'), answerTo('', 'a3')]) {
      const answered = await store.runs.answer('p', answer, 'a', 'in_progress', later);
      assert.deepEqual(answered, { outcome: 'not_asked' });
    }
    assert.deepEqual(await store.runs.find('p'), waiting);
  },

  'of 50 who answer at once, through two instances, the first counts, and the others are told': async (open) => {
    const stores = [await open(), await open()] as const;
    for (const owner of ['a', 'b']) await stores[0].runs.join(owner);
    for (const round of oneTo(3)) {
      const planId = `p${round}`;
      await asking(stores[0], 'a', planId);
      const calls = await Promise.all(
        oneTo(50).map((index) => {
          const answer = answerTo('q1', `a${index}`, { text: `answer ${index}` });
          const place = index % 2 === 0 ? 0 : 1;
          const owner = place === 0 ? 'a' : 'b';
          return whenAvailable(() => stores[place].runs.answer(planId, answer, owner, 'in_progress', later));
        }),
      );
      const first = calls.flatMap((call) => (call.outcome === 'taken' ? [call.run] : []));
      assert.equal(first.length, 1);
      assert.equal(calls.filter(({ outcome }) => outcome === 'answered').length, 49);
      assert.equal(first[0]?.fence, 2);
      assert.deepEqual(await stores[1].runs.find(planId), first[0]);
    }
  },

  'the same answer again, also many times at once, is answered as the record is, and takes nothing': async (open) => {
    const stores = [await open(), await open()] as const;
    const [{ runs }] = stores;
    await asking(stores[0], 'a', 'p');
    for (const owner of ['b', 'c']) await runs.join(owner);
    const answer = answerTo('q1', 'a1', { text: 'yes' });
    const again = (owner: string) =>
      Promise.all(
        oneTo(10).map((index) => {
          const store = stores[index % 2 === 0 ? 0 : 1];
          return whenAvailable(() => store.runs.answer('p', answer, owner, 'approved', '2027'));
        }),
      );
    for (const answered of await again('b')) {
      const run = runOf('p', 'b', { fence: 2, request: requestOf('q1'), answer });
      assert.deepEqual(answered, { outcome: 'taken', run });
    }
    await runs.change({ planId: 'p', fence: 2 }, { status: 'in_progress', updatedAt: later });
    const expectUnchanged = async () => {
      const before = await runAndPlan(stores[0], 'p');
      for (const owner of ['c', 'not joined']) {
        for (const answered of await again(owner)) assert.deepEqual(answered, { outcome: 'taken', run: before.run });
      }
      const other = await runs.answer('p', answerTo('q1', 'a2'), 'c', 'rejected', '2027');
      assert.deepEqual(other, { outcome: 'answered' });
      assert.deepEqual(await runAndPlan(stores[0], 'p'), before);
    };
    await expectUnchanged();
    await runs.leave('b');
    await expectUnchanged();
    assert.equal((await runs.take('c', ['team'], 1))[0]?.fence, 3);
    await expectUnchanged();
    await runs.end({ planId: 'p', fence: 3 }, 'completed', later);
    await expectUnchanged();
  },

  'what is not asked cannot be answered, and nothing changes': async (open) => {
    const store = await open();
    const { runs } = store;
    await begun(store, 'a', 'working', 'ended');
    for (const planId of ['canceled', 'waiting']) await asking(store, 'a', planId);
    await runs.end({ planId: 'ended', fence: 1 }, 'completed', later);
    await runs.cancel('canceled', 'a');
    await store.plans.create(planOfRun('no run'));
    for (const [planId, requestId, outcome] of [
      ['working', 'q1', 'not_asked'],
      ['ended', 'q1', 'not_asked'],
      ['canceled', 'q1', 'not_asked'],
      ['waiting', 'q2', 'not_asked'],
      ['waiting', 'Q1', 'not_asked'],
      ['no run', 'q1', 'no_run'],
      ['unknown', 'q1', 'no_run'],
    ] as const) {
      const before = await runAndPlan(store, planId);
      const answered = await runs.answer(planId, answerTo(requestId, 'a1'), 'a', 'in_progress', '2027');
      assert.deepEqual(answered, { outcome }, planId);
      assert.deepEqual(await runAndPlan(store, planId), before);
    }
  },

  'who has not joined takes no run by an answer: run_taken, and the answer does not count': async (open) => {
    const store = await open();
    await asking(store, 'a', 'p');
    const before = await runAndPlan(store, 'p');
    await rejectsWith('run_taken', store.runs.answer('p', answerTo('q1', 'a1'), 'b', 'in_progress', '2027'));
    assert.deepEqual(await runAndPlan(store, 'p'), before);
    const answered = await store.runs.answer('p', answerTo('q1', 'a2'), 'a', 'in_progress', '2027');
    assert.equal(answered.outcome, 'taken');
  },

  'questions and answers are kept exactly, and told apart, whatever they hold': async (open) => {
    const store = await open();
    await store.runs.join('a');
    const random = new SeededRandom(60);
    const texts = [...nastyStrings, ...oneTo(20).map(() => anyText(random))];
    for (const [index, text] of texts.entries()) {
      const planId = `p${index}`;
      await begun(store, 'a', planId);
      const request = requestOf(`${text}!`, { messageId: text });
      await store.runs.ask({ planId, fence: 1 }, request, 'pending_approval', later);
      const answer = answerTo(request.requestId, text, { userId: text, text });
      const other = { ...answer, requestId: `${text}?` };
      assert.equal((await store.runs.answer(planId, other, 'a', 'in_progress', later)).outcome, 'not_asked');
      const run = runOf(planId, 'a', { fence: 2, request, answer });
      for (const _ of oneTo(2)) {
        const answered = await store.runs.answer(planId, answer, 'a', 'in_progress', later);
        assert.deepEqual(answered, { outcome: 'taken', run });
      }
      const second = { ...answer, answerId: `${text}!` };
      assert.equal((await store.runs.answer(planId, second, 'a', 'in_progress', later)).outcome, 'answered');
      assert.deepEqual(await store.runs.find(planId), run);
    }
  },

  'a run ends for good, and who ended it may say so twice': async (open) => {
    const [one, other] = [await open(), await open()];
    await begun(one, 'a', 'p');
    const held = { planId: 'p', fence: 1 };
    assert.equal(await one.runs.end(held, 'completed', later), true);
    const ended = await runAndPlan(other, 'p');
    assert.deepEqual(ended.run, runOf('p', undefined, { state: 'ended' }));
    assert.deepEqual([ended.plan?.status, ended.plan?.updatedAt], ['completed', later]);
    assert.equal(await other.runs.end(held, 'failed', '2027'), true);
    assert.equal(await other.runs.end({ ...held, fence: 2 }, 'failed', '2027'), false);
    assert.deepEqual(await other.runs.cancel('p', 'a'), { outcome: 'ended' });
    assert.deepEqual(await other.runs.take('a', ['team'], 10), []);
    await one.runs.leave('a');
    assert.deepEqual(await runAndPlan(other, 'p'), ended);
  },

  'a run that is worked on is noted as to be canceled, for its owner and for whoever takes it next': async (open) => {
    const [one, other] = [await open(), await open()];
    await begun(one, 'a', 'p', 'q', 'r');
    await begun(one, 'b', 's');
    for (const planId of ['p', 'r', 's', 'p']) {
      assert.deepEqual(await other.runs.cancel(planId, 'not joined'), { outcome: 'noted' });
    }
    assert.deepEqual(await one.runs.find('p'), runOf('p', 'a', { cancelRequested: true }));
    assert.deepEqual(await one.runs.find('q'), runOf('q', 'a'));
    assert.deepEqual([...(await one.runs.toCancel('a'))].toSorted(), ['p', 'r']);
    assert.deepEqual(await one.runs.toCancel('nobody'), []);
    await one.runs.end({ planId: 'r', fence: 1 }, 'canceled', later);
    assert.deepEqual(await other.runs.toCancel('a'), ['p']);
    assert.equal(await one.runs.change({ planId: 'p', fence: 1 }, { updatedAt: later }), true);
    await one.runs.leave('a');
    await other.runs.take('b', ['team'], 1);
    assert.deepEqual([...(await other.runs.toCancel('b'))].toSorted(), ['p', 's']);
  },

  'a run that is to be canceled asks nobody: it stays its owner’s, who ends it': async (open) => {
    const [one, other] = [await open(), await open()];
    await begun(one, 'a', 'p');
    assert.deepEqual(await other.runs.cancel('p', 'not joined'), { outcome: 'noted' });
    const before = await runAndPlan(one, 'p');
    const held = { planId: 'p', fence: 1 };
    assert.equal(await one.runs.ask(held, requestOf('q1'), 'pending_approval', later), false);
    assert.deepEqual(await runAndPlan(other, 'p'), before);
    assert.equal(await one.runs.end(held, 'canceled', later), true);
  },

  'a run that nobody works on, as it waits or is free, is taken by who cancels it': async (open) => {
    const [one, other] = [await open(), await open()];
    await asking(one, 'a', 'waiting');
    await begun(one, 'dead', 'free');
    await one.runs.leave('dead');
    await other.runs.join('b');
    for (const [planId, request] of [
      ['waiting', requestOf('q1')],
      ['free', undefined],
    ] as const) {
      const { plan } = await runAndPlan(one, planId);
      await rejectsWith('run_taken', other.runs.cancel(planId, 'not joined'));
      assert.equal((await one.runs.find(planId))?.cancelRequested, false);
      const run = runOf(planId, 'b', { fence: 2, request, cancelRequested: true });
      assert.deepEqual(await other.runs.cancel(planId, 'b'), { outcome: 'taken', run });
      assert.deepEqual(await runAndPlan(one, planId), { run, plan });
      assert.deepEqual(await one.runs.cancel(planId, 'a'), { outcome: 'noted' });
      assert.equal(await other.runs.end({ planId, fence: 2 }, 'canceled', later), true);
    }
    await one.plans.create(planOfRun('no run'));
    for (const planId of ['no run', 'unknown']) assert.equal(await one.runs.cancel(planId, 'a'), undefined);
  },

  'of an answer and cancels at once one takes the run': async (open) => {
    const stores = [await open(), await open()] as const;
    for (const owner of ['a', 'b']) await stores[0].runs.join(owner);
    for (const round of oneTo(10)) {
      const planId = `p${round}`;
      await asking(stores[0], 'a', planId);
      const calls = await Promise.all([
        whenAvailable(() => stores[0].runs.answer(planId, answerTo('q1', 'a1'), 'a', 'in_progress', later)),
        whenAvailable(() => stores[1].runs.cancel(planId, 'b')),
        whenAvailable(() => stores[0].runs.cancel(planId, 'a')),
      ]);
      assert.equal(calls.filter((call) => call?.outcome === 'taken').length, 1, JSON.stringify(calls));
      const run = await stores[0].runs.find(planId);
      assert.deepEqual([run?.fence, run?.state, run?.cancelRequested], [2, 'working', true]);
    }
  },
});
