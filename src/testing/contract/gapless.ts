import assert from 'node:assert/strict';
import type { PreparedMessage } from '../../protocol/message.ts';
import { logStart, type MessageLog } from '../../store/messageLog.ts';
import { whenAvailable } from './availability.ts';
import { contractTests } from './contractTest.ts';
import { allOf, impossible, oneTo, plain, sample, samples } from './sampleMessages.ts';

export const gapless = contractTests('gapless', {
  'each plan counts 1, 2, 3 by itself': async (open) => {
    const { log } = await open();
    for (let round = 1; round <= 5; round++) {
      const batch = ['a', 'b', 'c'].map((planId) => sample(`m${round}`, { planId }));
      const outcomes = await log.append(batch);
      assert.deepEqual(
        outcomes.map(({ message }) => message.sequence),
        [round, round, round],
      );
    }
  },

  'many calls at once leave 1 to n, and each was told its own place': async (open) => {
    const { log } = await open();
    await writeAndCheck([log], 200);
  },

  'several instances writing to one plan at once leave 1 to n': async (open) => {
    const stores = [await open(), await open(), await open()];
    await writeAndCheck(
      stores.map((store) => store.log),
      300,
    );
  },

  'instances that take turns never give a place twice': async (open) => {
    const [one, other] = [await open(), await open()];
    for (let place = 1; place <= 40; place++) {
      const store = place % 3 === 0 ? one : other;
      const [outcome] = await store.log.append([sample(`m${place}`)]);
      assert.equal(outcome?.message.sequence, place);
    }
  },

  'a plan that one instance rolled back and another one wrote stays gapless': async (open) => {
    const [one, other] = [await open(), await open()];
    await one.log.append([sample('m1')]);
    await assert.rejects(one.log.append([sample('lost'), impossible]));
    await other.log.append([sample('m2')]);
    await one.log.append([sample('m3')]);
    assert.deepEqual(
      (await allOf(other.log)).map(({ messageId }) => messageId),
      ['m1', 'm2', 'm3'],
    );
  },

  'a reader that goes on behind what it saw misses nothing while others write': async (open) => {
    const stores = [await open(), await open()];
    const reader = (await open()).log;
    const writing = Promise.all(
      stores.map(async ({ log }, writer) => {
        for (const message of samples(60, {}, `w${writer}-`)) await whenAvailable(() => log.append([message]));
      }),
    );
    let done = false;
    void writing.finally(() => {
      done = true;
    });
    const seen: number[] = [];
    for (let last = false; !last; ) {
      last = done;
      const page = await reader.read('plan', { ...logStart, sequence: seen.length }, 50);
      seen.push(...page.messages.map(({ sequence }) => sequence));
      assert.deepEqual(seen, oneTo(seen.length));
      if (page.messages.length > 0) last = false;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writing;
    assert.equal(seen.length, 120);
  },

  'duplicates and conflicts use up no place': async (open) => {
    const { log } = await open();
    const batch = [sample('a'), sample('a'), sample('a', { content: 'other' }), sample('b'), sample('a'), sample('c')];
    const outcomes = await log.append(batch);
    assert.deepEqual(
      outcomes.map(({ message }) => message.sequence),
      [1, 1, 1, 2, 1, 3],
    );
    await log.append([sample('a', { content: 'other' })]);
    await log.append([sample('a')]);
    assert.deepEqual(
      (await allOf(log)).map(({ messageId }) => messageId),
      ['a', 'b', 'c'],
    );
  },
});

export const inOrder = contractTests('in order', {
  'messages of a plan get places in the order of the batch, also among those of other plans': async (open) => {
    const { log } = await open();
    const batch = oneTo(90).map((index) => sample(`m${index}`, { planId: ['a', 'b', 'c'][(index * 7) % 3] as string }));
    const outcomes = await log.append(batch);
    for (const planId of ['a', 'b', 'c']) {
      const own = batch.filter((message) => message.planId === planId).map(({ messageId }) => messageId);
      assert.deepEqual(
        (await allOf(log, planId)).map(({ messageId }) => messageId),
        own,
      );
    }
    assert.deepEqual(
      outcomes.map(({ message }) => message.messageId),
      batch.map(({ messageId }) => messageId),
    );
  },

  'a batch stands behind one that was answered before it': async (open) => {
    const stores = [await open(), await open()] as const;
    const expected: string[] = [];
    for (let round = 0; round < 20; round++) {
      const batch = samples(1 + (round % 4), {}, `r${round}-`);
      await stores[round % 2 === 0 ? 0 : 1].log.append(batch);
      expected.push(...batch.map(({ messageId }) => messageId));
    }
    assert.deepEqual(
      (await allOf(stores[0].log)).map(({ messageId }) => messageId),
      expected,
    );
  },

  'ids that sort otherwise than they were appended stay as they were appended': async (open) => {
    const { log } = await open();
    const ids = ['z', 'a', '10', '9', 'Z', 'é', '00000000-0000-4000-8000-000000000000', 'b'];
    await log.append(ids.map((id) => sample(id)));
    assert.deepEqual(
      (await allOf(log)).map(({ messageId }) => messageId),
      ids,
    );
  },

  'timestamps that go backwards change no order': async (open) => {
    const { log } = await open();
    const years = ['2030', '1999', '2026', '0001', '9999'];
    await log.append(years.map((year) => sample(year, { timestamp: `${year}-01-01T00:00:00.000Z` })));
    assert.deepEqual(
      (await allOf(log)).map(({ messageId }) => messageId),
      years,
    );
  },

  'a batch of 33,000 is stored whole and in order': async (open) => {
    const { log } = await open();
    const batch = samples(33_000, { content: 'one of many' });
    const outcomes = await log.append(batch);
    assert.equal(outcomes.length, batch.length);
    assert.ok(outcomes.every(({ status, message }, index) => status === 'stored' && message.sequence === index + 1));
    const stored = await allOf(log);
    assert.equal(stored.length, batch.length);
    assert.ok(stored.every(({ body, sequence }, index) => sequence === index + 1 && body === batch[index]?.body));
  },

  'an empty batch answers an empty list': async (open) => {
    const { log } = await open();
    assert.deepEqual(await log.append([]), []);
    assert.deepEqual(await allOf(log), []);
  },
});

/** `count` messages by all the logs at once, in batches of 1 to 5. */
async function writeAndCheck(logs: readonly MessageLog[], count: number): Promise<void> {
  const batches: PreparedMessage[][] = [];
  for (let start = 0; start < count; start += batches.at(-1)?.length ?? 0) {
    const size = Math.min(1 + (batches.length % 5), count - start);
    batches.push(oneTo(size).map((index) => sample(`m${start + index}`)));
  }
  const answers = await Promise.all(
    batches.map((batch, index) => whenAvailable(() => (logs[index % logs.length] as MessageLog).append(batch))),
  );
  const stored = await allOf(logs[0] as MessageLog);
  assert.deepEqual(
    stored.map(({ sequence }) => sequence),
    oneTo(count),
  );
  const byId = new Map(stored.map((message) => [message.messageId, message]));
  for (const outcome of answers.flat()) {
    assert.deepEqual(plain(outcome.message), byId.get(outcome.message.messageId));
  }
  for (const batch of answers) {
    const places = batch.map(({ message }) => message.sequence);
    assert.deepEqual(
      places,
      places.toSorted((one, other) => one - other),
      'a batch is out of order',
    );
  }
}
