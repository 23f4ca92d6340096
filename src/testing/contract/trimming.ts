import assert from 'node:assert/strict';
import { v3MessageRow, v3RowView } from '../../protocol/v3Frames.ts';
import { logStart } from '../../store/messageLog.ts';
import { textPage } from '../../store/readAllText.ts';
import { anyText } from './anyContent.ts';
import { whenAvailable } from './availability.ts';
import { contractTests } from './contractTest.ts';
import { allOf, oneTo, plain, sample, samples, withMetadata } from './sampleMessages.ts';
import { SeededRandom } from './seededRandom.ts';

const nowhere = { sequence: 0, revision: 0 };

export const trimming = contractTests('trimmed from the beginning', {
  'what is trimmed is read by nobody, the rest as before, and readers are told up to where': async (open) => {
    const [one, other] = [(await open()).log, (await open()).log];
    await one.append([...samples(10), ...samples(3, { planId: 'other' })]);
    const before = await allOf(one);
    assert.equal(await one.trim('plan', 4), 4);
    for (const log of [one, other]) {
      const page = await log.read('plan', logStart, 100);
      assert.deepEqual(
        page.messages.map((message) => plain(message)),
        before.slice(4),
      );
      assert.deepEqual([page.trimmed, page.position, page.more], [4, { sequence: 10, revision: 0 }, false]);
      assert.equal(await log.find('plan', 'm4'), undefined);
      assert.deepEqual(plain(await log.find('plan', 'm5')), before[4]);
      assert.equal((await log.read('other', logStart, 100)).trimmed, 0);
      assert.equal((await allOf(log, 'other')).length, 3);
    }
  },

  'a reader behind the trimmed ones reads on, and is told of them too': async (open) => {
    const { log } = await open();
    await log.append(samples(10));
    await log.trim('plan', 4);
    for (const after of [0, 3, 4, 5, 10, 12]) {
      const { messages, trimmed, position } = await log.read('plan', { sequence: after, revision: 0 }, 3);
      const expected = oneTo(10).slice(Math.max(after, 4)).slice(0, 3);
      assert.deepEqual(
        messages.map(({ sequence }) => sequence),
        expected,
      );
      assert.deepEqual([trimmed, position.sequence], [4, expected.at(-1) ?? Math.max(after, 4)]);
      const { text } = await textPage(log, 'plan', after, 3, v3RowView);
      assert.equal(new TextDecoder().decode(text), messages.map((message) => `,${v3MessageRow(message)}`).join(''));
    }
  },

  'the head does not move and no sequence is given out again, also when all is trimmed': async (open) => {
    const first = await open();
    await first.log.append(samples(5));
    await first.log.update(sample('m5', { content: 'changed' }), 1);
    assert.equal(await first.log.trim('plan', 1_000_000), 5);
    const head = { sequence: 5, revision: 1 };
    assert.deepEqual((await first.log.heads(['plan'])).get('plan'), head);
    assert.deepEqual(await first.log.read('plan', nowhere, 10), {
      messages: [],
      updates: [],
      position: { sequence: 5, revision: 0 },
      more: false,
      trimmed: 5,
    });
    await first.close();
    const { log } = await open();
    const [next] = await log.append([sample('m6')]);
    assert.equal(next?.message.sequence, 6);
    const updated = await log.update(sample('m6', { content: 'changed' }), 1);
    assert.equal(updated.status === 'updated' && updated.message.revision, 2);
    assert.equal((await log.read('plan', nowhere, 10)).trimmed, 5);
  },

  'it only ever goes on: less than before, or nothing, changes nothing': async (open) => {
    const { log, plans } = await open();
    await log.append(samples(6));
    assert.equal(await log.trim('plan', 3), 3);
    for (const upTo of [2, 0, -1]) assert.equal(await log.trim('plan', upTo), 3);
    assert.equal(await log.trim('plan', 4), 4);
    assert.equal((await plans.find('plan'))?.messageCount, 2);
    assert.equal(await log.trim('unknown', 10), 0);
    assert.equal(await plans.find('unknown'), undefined);
  },

  'an id that was trimmed is never free again: the same is a duplicate at its first place': async (open) => {
    const [one, other] = [(await open()).log, (await open()).log];
    const random = new SeededRandom(45);
    const batch = samples(20).map(({ messageId }) => sample(messageId, { content: anyText(random, 200) }));
    const uuid = sample('0198c2f4-5a3e-7b11-8f00-6162636465ff');
    await one.append([...batch, uuid]);
    await one.trim('plan', 21);
    // What a producer says again that never heard of its success: its next message must not come before the first.
    const later = { content: '', timestamp: '2030-01-01T00:00:00.000Z' };
    for (const log of [one, other]) {
      const outcomes = await log.append([...batch, uuid, sample('m21')]);
      assert.deepEqual(
        outcomes.map(({ status, message }) => [status, message.sequence]),
        [...oneTo(21).map((place) => ['duplicate', place]), [log === one ? 'stored' : 'duplicate', 22]],
      );
      for (const [index, { body }] of batch.entries()) assert.equal(outcomes[index]?.message.body, body);
      const [other] = await log.append([sample('m1', { content: 'something else' })]);
      assert.deepEqual([other?.status, other?.message.sequence], ['conflict', 1]);
    }
    await one.append([sample('m30', { content: '' })]);
    await one.trim('plan', 23);
    assert.equal((await one.append([sample('m30', later)]))[0]?.status, 'duplicate', 'the timestamp is no content');
    assert.deepEqual((await one.heads(['plan'])).get('plan'), { sequence: 23, revision: 0 });
  },

  'what is compared is what the message said last': async (open) => {
    const { log } = await open();
    await log.append([withMetadata('m1', { a: 1 })]);
    const changed = sample('m1', { content: 'changed', metadata: { a: 2, b: '\ud800\u0000' } });
    await log.update(changed, 1);
    await log.trim('plan', 1);
    const outcomes = await log.append([withMetadata('m1', { a: 1 }), changed]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['conflict', 'duplicate'],
    );
  },

  'an update of a trimmed message is not_found; one of another that was updated before is still read': async (open) => {
    const { log } = await open();
    await log.append(samples(4));
    for (const id of ['m1', 'm2', 'm3']) await log.update(sample(id, { content: 'changed' }), 1);
    await log.trim('plan', 2);
    assert.deepEqual(await log.update(sample('m1', { content: 'again' }), 2), { status: 'not_found' });
    assert.deepEqual(await log.update(sample('m2', { content: 'again' }), 1), { status: 'not_found' });
    const { updates } = await log.read('plan', { sequence: 4, revision: 0 }, 10);
    assert.deepEqual(
      updates.map(({ messageId, revision }) => [messageId, revision]),
      [['m3', 3]],
    );
    const next = await log.update(sample('m3', { content: 'again' }), 2);
    assert.equal(next.status === 'updated' && next.message.revision, 4);
  },

  'thousands are trimmed, and large ones': async (open) => {
    const { log } = await open();
    for (let batch = 0; batch < 5; batch++) await log.append(samples(1_000, {}, `b${batch}-`));
    await log.append(samples(12, { content: 'x'.repeat(2_000_000) }));
    assert.equal(await log.trim('plan', 5_010), 5_010);
    const { messages, trimmed } = await log.read('plan', logStart, 10);
    assert.deepEqual([messages.map(({ sequence }) => sequence), trimmed], [[5_011, 5_012], 5_010]);
  },

  'while others write, update and trim, a reader is given a run from where it is told that the log begins': async (
    open,
  ) => {
    const [writer, trimmer, reader] = [(await open()).log, (await open()).log, (await open()).log];
    const write = async () => {
      for (let place = 1; place <= 150; place++) {
        await whenAvailable(() => writer.append([sample(`m${place}`)]));
        if (place % 3 === 0) await whenAvailable(() => writer.update(sample(`m${place}`, { content: 'changed' }), 1));
      }
    };
    const trim = async () => {
      let trimmed = 0;
      while (trimmed < 100) trimmed = await whenAvailable(() => trimmer.trim('plan', trimmed + 7));
    };
    let done = false;
    const read = async () => {
      while (!done) {
        const { messages, trimmed } = await whenAvailable(() => reader.read('plan', logStart, 1_000));
        assert.deepEqual(
          messages.map(({ sequence }) => sequence),
          oneTo(messages.length).map((place) => trimmed + place),
        );
        for (const { body } of messages) assert.ok(body.startsWith('{'));
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const reading = read();
    const [ended] = await Promise.allSettled([Promise.all([write(), trim()])]);
    done = true;
    await reading;
    if (ended?.status === 'rejected') throw ended.reason;
    assert.equal((await reader.heads(['plan'])).get('plan')?.sequence, 150);
  },
});
