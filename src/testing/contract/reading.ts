import assert from 'node:assert/strict';
import type { StoredMessage } from '../../protocol/message.ts';
import { type LogPosition, logStart, type MessageLog, maxPageSize } from '../../store/messageLog.ts';
import { contractTests } from './contractTest.ts';
import { allOf, oneTo, plain, sample, samples } from './sampleMessages.ts';
import { SeededRandom } from './seededRandom.ts';

export const reading = contractTests('reading', {
  'a plan without messages reads as empty, whether it exists or not': async (open) => {
    const { log, plans } = await open();
    await plans.create({
      planId: 'created',
      sessionId: 's',
      userId: 'u',
      teamId: 't',
      description: 'd',
      status: 'pending',
      createdAt: '2026-11-23T10:00:00.000Z',
    });
    for (const planId of ['created', 'unknown', '__proto__']) {
      assert.deepEqual(await log.read(planId, logStart, 10), {
        messages: [],
        updates: [],
        position: logStart,
        more: false,
        trimmed: 0,
      });
      assert.equal(await log.find(planId, 'm1'), undefined);
      assert.deepEqual((await log.heads([planId])).get(planId), logStart);
    }
  },

  'pages of any size, one after another, show each message once and in order': async (open) => {
    const { log } = await open();
    await log.append([...samples(20), ...samples(5, { planId: 'other' }, 'o')]);
    for (const limit of [1, 2, 3, 7, 19, 20, 21, 1_000]) {
      const pages = await pagesFrom(log, logStart, limit);
      assert.ok(pages.every((page) => page.messages.length <= limit));
      const seen = pages.flatMap((page) => page.messages);
      assert.deepEqual(
        seen.map((message) => plain(message)),
        await allOf(log),
      );
    }
  },

  'a page of large messages ends early, with at least one, and the pages after it have the others': async (open) => {
    const { log } = await open();
    const content = 'x'.repeat(1_500_000);
    const large = samples(8, { content });
    for (const message of large) await log.append([message]);
    for (const message of large.slice(0, 6)) await log.update(message, 1);
    const seen = { messages: [] as number[], updates: [] as number[] };
    for (let position = logStart, more = true; more; ) {
      const page = await log.read('plan', position, 100);
      for (const kind of ['messages', 'updates'] as const) {
        const before = page[kind].slice(0, -1).reduce((sum, { body }) => sum + body.length, 0);
        assert.ok(before < maxPageSize, `a page holds ${before} characters before its last message`);
        seen[kind].push(...page[kind].map(({ sequence }) => sequence));
      }
      ({ position, more } = page);
    }
    assert.deepEqual(seen, { messages: oneTo(8), updates: oneTo(6) });
  },

  'reading goes on anywhere, and a page says where to go on': async (open) => {
    const { log } = await open();
    await log.append(samples(10));
    for (let after = 0; after <= 10; after++) {
      const page = await log.read('plan', { sequence: after, revision: 0 }, 4);
      const expected = oneTo(10).slice(after, after + 4);
      assert.deepEqual(
        page.messages.map(({ sequence }) => sequence),
        expected,
      );
      assert.deepEqual(page.position, { sequence: expected.at(-1) ?? after, revision: 0 });
      if (after + 4 < 10) assert.equal(page.more, true);
    }
  },

  'where nothing is new the position stays, also one beyond the head': async (open) => {
    const { log } = await open();
    await log.append(samples(3));
    await log.update(sample('m1', { content: 'changed' }), 1);
    for (const position of [
      { sequence: 3, revision: 1 },
      { sequence: 9, revision: 9 },
    ]) {
      assert.deepEqual(await log.read('plan', position, 10), {
        messages: [],
        updates: [],
        position,
        more: false,
        trimmed: 0,
      });
    }
  },

  'updates come in their order, each with its content as of now, by pages of any size': async (open) => {
    const { log } = await open();
    await log.append(samples(6));
    for (const [id, version] of [
      ['m5', 1],
      ['m2', 1],
      ['m6', 1],
      ['m5', 2],
      ['m1', 1],
    ] as const) {
      await log.update(sample(id, { content: `${id} after ${version}` }), version);
    }
    const { updates } = await log.read('plan', { sequence: 6, revision: 0 }, 100);
    assert.deepEqual(
      updates.map(({ messageId, version, revision }) => [messageId, version, revision]),
      [
        ['m2', 2, 2],
        ['m6', 2, 3],
        ['m5', 3, 4],
        ['m1', 2, 5],
      ],
    );
    for (const message of updates) assert.deepEqual(plain(message), plain(await log.find('plan', message.messageId)));
    for (const limit of [1, 2, 3, 4, 5]) {
      const pages = await pagesFrom(log, { sequence: 6, revision: 0 }, limit);
      assert.ok(pages.every((page) => page.updates.length <= limit));
      assert.deepEqual(
        pages.flatMap((page) => page.updates).map(({ revision }) => revision),
        [2, 3, 4, 5],
      );
    }
  },

  'new messages come with their content as of now': async (open) => {
    const { log } = await open();
    await log.append(samples(3));
    const changed = sample('m2', { content: 'changed' });
    await log.update(changed, 1);
    const { messages } = await log.read('plan', logStart, 10);
    assert.equal(messages[1]?.body, changed.body);
    assert.deepEqual([messages[1]?.version, messages[1]?.revision, messages[1]?.sequence], [2, 1, 2]);
  },

  'whoever reads by pages in the middle of writes and updates ends up with what the log says': async (open) => {
    const [writer, reader] = [(await open()).log, (await open()).log];
    const random = new SeededRandom(11);
    const versions: number[] = [];
    const view = new Map<number, StoredMessage>();
    let position = logStart;
    const readOn = async (): Promise<boolean> => {
      const page = await reader.read('plan', position, 1 + random.below(5));
      for (const message of page.messages) view.set(message.sequence, message);
      for (const message of page.updates)
        if (message.sequence <= page.position.sequence) view.set(message.sequence, message);
      position = page.position;
      return page.more;
    };
    for (let step = 0; step < 400; step++) {
      const action = random.below(5);
      if (action < 2 || versions.length === 0) {
        versions.push(1);
        await writer.append([sample(`m${versions.length}`)]);
      } else if (action < 4) {
        const index = random.below(versions.length);
        const version = versions[index] as number;
        versions[index] = version + 1;
        await writer.update(sample(`m${index + 1}`, { content: `version ${version + 1}` }), version);
      } else await readOn();
    }
    while (await readOn());
    const all = await allOf(writer);
    assert.deepEqual(
      [...view.values()].map((message) => plain(message)),
      all,
    );
    assert.deepEqual(
      all.map(({ version }) => version),
      versions,
    );
  },

  'find answers exactly the message that was asked for': async (open) => {
    const { log } = await open();
    await log.append([...samples(3), sample('m1', { planId: 'other', content: 'other' })]);
    assert.equal((await log.find('plan', 'm2'))?.sequence, 2);
    assert.equal((await log.find('other', 'm1'))?.body, sample('m1', { planId: 'other', content: 'other' }).body);
    for (const [planId, messageId] of [
      ['plan', 'm4'],
      ['plan', 'M1'],
      ['plan', ''],
      ['other', 'm2'],
      ['x', 'm1'],
      ['plan', 'm%'],
    ]) {
      assert.equal(await log.find(planId as string, messageId as string), undefined);
    }
  },

  'heads tell how far each plan goes, of as many as are asked for': async (open) => {
    const { log } = await open();
    assert.deepEqual(await log.heads([]), new Map());
    await log.append(oneTo(500).map((index) => sample(`m${index}`, { planId: `p${index % 100}` })));
    await log.update(sample('m7', { planId: 'p7', content: 'changed' }), 1);
    const asked = [...oneTo(2_000).map((index) => `p${index - 1}`), 'p7', 'constructor'];
    const heads = await log.heads(asked);
    assert.equal(heads.size, 2_001);
    for (const planId of asked) {
      const known = /^p\d\d?$/.test(planId);
      assert.deepEqual(heads.get(planId), { sequence: known ? 5 : 0, revision: planId === 'p7' ? 1 : 0 }, planId);
    }
  },
});

async function pagesFrom(log: MessageLog, start: LogPosition, limit: number) {
  const pages = [];
  let position = start;
  for (let more = true; more; ) {
    const page = await log.read('plan', position, limit);
    pages.push(page);
    ({ position, more } = page);
    assert.ok(pages.length < 1_000, 'reading does not end');
  }
  return pages;
}
