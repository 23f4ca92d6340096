import assert from 'node:assert/strict';
import type { Draft } from '../../protocol/draft.ts';
import type { OwnedDraft } from '../../store/draftRecords.ts';
import type { RecordHint } from '../../store/recordHint.ts';
import type { Store } from '../../store/store.ts';
import { anyText, nastyStrings } from './anyContent.ts';
import { eventually, whenAvailable } from './availability.ts';
import { contractTests } from './contractTest.ts';
import { oneTo, sample, samples } from './sampleMessages.ts';
import { SeededRandom } from './seededRandom.ts';

const at = (second: number) => `2026-11-25T10:00:${String(second).padStart(2, '0')}.000Z`;

function draft(draftId: string, text: string, fields: Partial<OwnedDraft> = {}): OwnedDraft {
  return { planId: 'plan', draftId, agentName: 'Writer', text, updatedAt: at(1), owner: 'owner', ...fields };
}

function read({ planId, draftId, agentName, text, updatedAt }: Draft): Draft {
  return { planId, draftId, agentName, text, updatedAt };
}

async function drafts(store: Store, ...planIds: string[]): Promise<Draft[]> {
  return (await store.drafts.ofPlans(planIds.length === 0 ? ['plan'] : planIds)).map(read);
}

export const draftRecords = contractTests('drafts', {
  'a draft reads as it was written last, once, by every instance and after opening again': async (open) => {
    const [one, other] = [await open(), await open()];
    await one.drafts.put([draft('d', 'The')]);
    assert.deepEqual(await drafts(other), [read(draft('d', 'The'))]);
    const second = draft('d', 'The train', { agentName: 'Second', owner: 'another', updatedAt: at(2) });
    await other.drafts.put([second]);
    assert.deepEqual(await drafts(one), [read(second)]);
    await one.close();
    assert.deepEqual(await drafts(await open()), [read(second)]);
  },

  'drafts of a plan are read oldest first, however often they are written': async (open) => {
    const store = await open();
    for (const id of ['c', 'a', 'b']) await store.drafts.put([draft(id, id)]);
    await store.drafts.put([draft('a', 'a again'), draft('c', 'c again')]);
    assert.deepEqual(
      (await drafts(store)).map(({ text }) => text),
      ['c again', 'a again', 'b'],
    );
  },

  'drafts of several plans are read in one call; plans without any, or given twice, add nothing': async (open) => {
    const store = await open();
    await store.drafts.put([draft('d', 'one'), draft('d', 'other', { planId: 'other' })]);
    const found = await drafts(store, 'other', 'plan', 'unknown', 'plan');
    assert.deepEqual(found.map(({ planId, text }) => [planId, text]).toSorted(), [
      ['other', 'other'],
      ['plan', 'one'],
    ]);
    assert.deepEqual(await store.drafts.ofPlans([]), []);
  },

  'text, names and ids of every kind are kept exactly': async (open) => {
    const store = await open();
    const random = new SeededRandom(46);
    const texts = [...nastyStrings, ...oneTo(200).map(() => anyText(random, 300)), 'é'.repeat(1024 * 1024)];
    const ids = ['0198c2f4-5a3e-7b11-8f00-6162636465ff', 'D', 'd', 'run-1', "' OR 1=1", '\u00e9', 'e\u0301'];
    const written = [
      ...texts.map((text, index) => draft(`d${index}`, text, { agentName: text.slice(0, 200) })),
      ...ids.map((id) => draft(id, id)),
    ];
    await store.drafts.put(written);
    const found = new Map((await drafts(store)).map((one) => [one.draftId, one]));
    assert.equal(found.size, written.length);
    for (const one of written) assert.deepEqual(found.get(one.draftId), read(one));
  },

  'a draft makes no plan and no message, and moves no head': async (open) => {
    const { drafts, log, plans } = await open();
    await log.append(samples(2));
    await drafts.put([draft('d', 'text'), draft('d', 'text', { planId: 'new' })]);
    assert.equal(await plans.find('new'), undefined);
    assert.deepEqual((await log.heads(['plan'])).get('plan'), { sequence: 2, revision: 0 });
    assert.equal((await log.append([sample('m3')]))[0]?.message.sequence, 3);
  },

  'a reader never sees a draft beside its message, whoever is first to store which': async (open) => {
    const [one, other] = [await open(), await open()];
    for (const id of ['run-1', '0198c2f4-5a3e-7b11-8f00-6162636465ff']) {
      await one.drafts.put([draft(id, 'so far'), draft(id, 'elsewhere', { planId: 'other' })]);
      await other.log.append([sample(id, { content: 'so far, and the rest' })]);
      for (const store of [one, other]) {
        assert.deepEqual(
          (await drafts(store, 'plan', 'other')).map(({ planId }) => planId),
          ['other'],
        );
      }
      // Late, as of a writer that was slow.
      await one.drafts.put([draft(id, 'so far, and')]);
      assert.deepEqual(await drafts(other), []);
      await one.drafts.remove([{ planId: 'other', draftId: id }]);
    }
  },

  'what is removed is gone, exactly that, and nothing happens to what is not there': async (open) => {
    const store = await open();
    await store.drafts.put(['a', 'A', 'b'].map((id) => draft(id, id)));
    await store.drafts.put([draft('a', 'other', { planId: 'other' })]);
    await store.drafts.remove([
      { planId: 'plan', draftId: 'a' },
      { planId: 'other', draftId: 'b' },
      { planId: 'plan', draftId: 'unknown' },
    ]);
    await store.drafts.remove([]);
    const left = await drafts(store, 'plan', 'other');
    assert.deepEqual(left.map(({ planId, draftId }) => `${planId} ${draftId}`).toSorted(), [
      'other a',
      'plan A',
      'plan b',
    ]);
  },

  'abandoned are those that neither their owner nor a write has touched since, the longest untouched first': async (
    open,
  ) => {
    const [one, other] = [await open(), await open()];
    await one.drafts.put([draft('a', 'a', { updatedAt: at(2) }), draft('b', 'b', { updatedAt: at(1) })]);
    await one.drafts.put([draft('c', 'c', { updatedAt: at(1), owner: 'alive' })]);
    await one.drafts.put([draft('d', 'd', { updatedAt: at(5) })]);
    await other.drafts.touch('alive', at(5));
    await other.drafts.touch('nobody', at(9));
    const abandoned = (before: string, limit = 10) => other.drafts.abandoned(before, limit);
    assert.deepEqual(await abandoned(at(5)), [
      { planId: 'plan', draftId: 'b', owner: 'owner', touchedAt: at(1) },
      { planId: 'plan', draftId: 'a', owner: 'owner', touchedAt: at(2) },
    ]);
    assert.equal((await abandoned(at(5), 1)).length, 1);
    assert.equal((await abandoned(at(6))).length, 4);
    await one.drafts.put([draft('b', 'b and more', { updatedAt: at(5) })]);
    assert.deepEqual(
      (await abandoned(at(5))).map(({ draftId }) => draftId),
      ['a'],
    );
    assert.equal((await drafts(one)).find(({ draftId }) => draftId === 'c')?.updatedAt, at(1));
  },

  'an abandoned draft is named also when its message is there: somebody has to remove it': async (open) => {
    const { drafts, log } = await open();
    await drafts.put([draft('d', 'text')]);
    await log.append([sample('d')]);
    assert.equal((await drafts.abandoned(at(9), 10)).length, 1);
  },

  'another instance hears that drafts of a plan have changed': async (open) => {
    const [watching, writing] = [await open(), await open()];
    const heard = hearing(watching);
    const isTold = (planId: string) => heard.some((hint) => hint.kind === 'draft' && hint.planId === planId);
    await eventually('it listens', async () => {
      await whenAvailable(() => writing.drafts.put([draft('d', '')]));
      return isTold('plan');
    });
    for (const text of ['a', 'ab', 'abc']) {
      heard.length = 0;
      await whenAvailable(() => writing.drafts.put([draft('d', text), draft('d', text, { planId: 'other' })]));
      await eventually('it hears of both plans', () => isTold('plan') && isTold('other'));
    }
  },

  'of several hundred plans in one write, others hear of each': async (open) => {
    const [watching, writing] = [await open(), await open()];
    const heard = hearing(watching);
    const planIds = oneTo(400).map((index) => `${'plan '.repeat(20)}${index}`);
    await eventually('it listens', async () => {
      await writing.drafts.put([draft('first', 'text', { planId: 'first' })]);
      return heard.length > 0;
    });
    await writing.drafts.put(planIds.map((planId) => draft('d', 'text', { planId })));
    await eventually('it hears of all', () => {
      const told = new Set(heard.map(({ planId }) => planId));
      return planIds.every((planId) => told.has(planId));
    });
  },

  'who has stopped listening hears nothing more, and one that throws hurts nobody': async (open) => {
    const [watching, writing] = [await open(), await open()];
    watching.onRecordChange(() => {
      throw new Error('a listener that throws');
    });
    const first: unknown[] = [];
    const end = watching.onRecordChange((hints) => first.push(hints));
    const second = hearing(watching);
    await eventually('it hears', async () => {
      await whenAvailable(() => writing.drafts.put([draft('d', 'a')]));
      return second.length > 0;
    });
    end();
    end();
    const before = first.length;
    second.length = 0;
    await writing.drafts.put([draft('d', 'ab')]);
    await eventually('it hears again', () => second.length > 0);
    assert.equal(first.length, before);
  },
});

/** The hints that come from now on. */
export function hearing(store: Store): RecordHint[] {
  const heard: RecordHint[] = [];
  store.onRecordChange((hints) => {
    if (hints !== 'unknown') heard.push(...hints);
  });
  return heard;
}
