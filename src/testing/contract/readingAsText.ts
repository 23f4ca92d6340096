import assert from 'node:assert/strict';
import type { StoredMessage } from '../../protocol/message.ts';
import { messageTypes } from '../../protocol/messageType.ts';
import { type RowView, rowText, rowView } from '../../protocol/rowView.ts';
import { v3MessageRow, v3RowView } from '../../protocol/v3Frames.ts';
import { type MessageLog, maxPageSize, type TextPage } from '../../store/messageLog.ts';
import { textPage } from '../../store/readAllText.ts';
import { anyObject, anyText, nastyStrings } from './anyContent.ts';
import { contractTests } from './contractTest.ts';
import { allOf, oneTo, sample, samples } from './sampleMessages.ts';
import { SeededRandom } from './seededRandom.ts';

export const readingAsText = contractTests('reading as text', {
  'the text of a page is the rows of its messages, a comma before each, whatever they hold': async (open) => {
    const { log } = await open();
    const random = new SeededRandom(48);
    const anyMessage = (id: string) =>
      sample(id, {
        agentName: anyText(random, 20) || 'nobody',
        type: random.pick(messageTypes),
        content: anyText(random, 200),
        metadata: anyObject(random),
      });
    await log.append(
      nastyStrings.map((text, index) => sample(`s${index}`, { agentName: text.slice(0, 256) || 'nobody' })),
    );
    await log.append(oneTo(300).map((index) => anyMessage(`m${index}`)));
    await log.append(samples(5, { planId: 'other' }));
    for (let version = 1; version <= 12; version++) await log.update(anyMessage('m7'), version);
    for (const view of [v3RowView, rowView`${'version'}:${'sequence'}`, rowView`é${'agentName'}😀${'members'}`]) {
      const expected = (await allOf(log)).map((message) => `,${rowText(view, message)}`);
      for (const limit of [1, 7, 100, 1_000]) {
        const pages = await textPagesFrom(log, limit, view);
        assert.equal(pages.map(({ text }) => utf8.decode(text)).join(''), expected.join(''));
        assert.deepEqual(
          pages.slice(0, -1).map(({ sequence }) => sequence),
          oneTo(pages.length - 1).map((page) => page * limit),
        );
      }
    }
  },

  'the text of a page of large messages ends early, with at least one, and the pages after it have the others': async (
    open,
  ) => {
    const { log } = await open();
    // What does not repeat itself, what does, and small ones before, between and behind.
    const random = new SeededRandom(7);
    const noise = Array.from({ length: 300_000 }, () => String.fromCharCode(0x20 + random.below(0x5f))).join('');
    const sizes = [10, 10, 300_000, 3_000_000, 3_000_000, 10, 3_000_000, 4_190_000, 10, 10];
    for (const [index, size] of sizes.entries()) {
      await log.append([sample(`m${index}`, { content: index === 2 ? noise : 'x'.repeat(size) })]);
    }
    const expected = (await allOf(log)).map((message) => `,${v3MessageRow(message)}`);
    for (const limit of [1, 5, 1_000]) {
      const pages = await textPagesFrom(log, limit, v3RowView);
      assert.ok(pages.map(({ text }) => utf8.decode(text)).join('') === expected.join(''), `pages of ${limit}`);
      let shown = 0;
      for (const { text, sequence } of pages) {
        const last = expected[sequence - 1]?.length ?? 0;
        assert.ok(text.length - last < maxPageSize, `a page holds ${text.length - last} bytes before its last message`);
        assert.ok(sequence > shown || text.length === 0);
        shown = sequence;
      }
    }
  },

  'the text behind the last message is empty, the position stays, also beyond the head': async (open) => {
    const { log } = await open();
    await log.append(samples(3));
    for (const [planId, after] of [
      ['plan', 3],
      ['plan', 9],
      ['unknown', 0],
      ["it's \\ a plan", 0],
    ] as const) {
      const { text, sequence, more } = await textPage(log, planId, after, 10, v3RowView);
      assert.deepEqual([text.length, sequence, more], [0, after, false]);
    }
    await log.append(samples(2, { planId: "it's a 'plan'" }));
    assert.equal((await textPage(log, "it's a 'plan'", 1, 10, v3RowView)).sequence, 2);
    const middle = await textPage(log, 'plan', 1, 1, v3RowView);
    assert.equal(utf8.decode(middle.text), `,${v3MessageRow((await log.find('plan', 'm2')) as StoredMessage)}`);
    assert.deepEqual([middle.sequence, middle.more], [2, true]);
  },
});

const utf8 = new TextDecoder();

async function textPagesFrom(log: MessageLog, limit: number, view: RowView): Promise<TextPage[]> {
  const pages: TextPage[] = [];
  for (let after = 0, more = true; more; ) {
    const page = await textPage(log, 'plan', after, limit, view);
    pages.push(page);
    ({ sequence: after, more } = page);
    assert.ok(pages.length < 10_000, 'reading does not end');
  }
  return pages;
}
