import assert from 'node:assert/strict';
import type { PreparedMessage } from '../../protocol/message.ts';
import { parseMessageBytes } from '../../protocol/messageBytes.ts';
import type { MessageLog } from '../../store/messageLog.ts';
import { anyObject, anyText, nastyStrings } from './anyContent.ts';
import { contractTests } from './contractTest.ts';
import { allOf, oneTo, sample } from './sampleMessages.ts';
import { SeededRandom } from './seededRandom.ts';

export const sameBytes = contractTests('the same bytes', {
  'strings that databases like to change come back as they were': async (open) => {
    const store = await open();
    const batch = nastyStrings.map((content, index) =>
      sample(`m${index}`, {
        content,
        agentName: content.slice(0, 100) || 'nobody',
        metadata: { [content]: [content] },
      }),
    );
    await appendAndCompare(store.log, batch);
    for (const [index, content] of nastyStrings.entries()) {
      const found = await store.log.find('plan', `m${index}`);
      const wire = parseMessageBytes(found?.body ?? '');
      assert.equal(wire.content, content);
      assert.deepEqual(Object.entries(wire.metadata), [[content, [content]]]);
    }
  },

  '3,000 random messages come back character for character, also after opening again': async (open) => {
    const random = new SeededRandom(20_261_123);
    const batch = oneTo(3_000).map((index) =>
      sample(`m${index}`, {
        content: anyText(random, 120),
        agentName: anyText(random, 20) || 'nobody',
        agentType: anyText(random, 10) || 'agent',
        metadata: anyObject(random, 4),
      }),
    );
    const first = await open();
    await appendAndCompare(first.log, batch);
    await first.close();
    const second = await open();
    assertSame(await allOf(second.log), batch);
  },

  'an update leaves exactly its own bytes': async (open) => {
    const { log } = await open();
    const random = new SeededRandom(7);
    await log.append([sample('m')]);
    for (let version = 1; version <= 100; version++) {
      const message = sample('m', { content: anyText(random), metadata: anyObject(random) });
      const outcome = await log.update(message, version);
      assert.equal(outcome.status === 'updated' && outcome.message.body, message.body);
      assert.equal((await log.find('plan', 'm'))?.body, message.body);
    }
  },

  'messages of 1 MiB and more come back as they were': async (open) => {
    const { log } = await open();
    const mebibyte = 1024 * 1024;
    const contents = [
      'a'.repeat(mebibyte),
      '😀'.repeat(mebibyte / 4),
      '\u0000'.repeat(mebibyte / 8),
      'é'.repeat(mebibyte),
    ];
    await appendAndCompare(
      log,
      contents.map((content, index) => sample(`m${index}`, { content })),
    );
  },
});

async function appendAndCompare(log: MessageLog, batch: readonly PreparedMessage[]): Promise<void> {
  const outcomes = await log.append(batch);
  assert.ok(outcomes.every(({ status }) => status === 'stored'));
  assertSame(
    outcomes.map(({ message }) => message),
    batch,
  );
  assertSame(await allOf(log), batch);
  for (const { planId, messageId, body } of batch) assert.equal((await log.find(planId, messageId))?.body, body);
}

function assertSame(read: readonly PreparedMessage[], given: readonly PreparedMessage[]): void {
  assert.equal(read.length, given.length);
  read.forEach(({ messageId, body }, index) => {
    assert.equal(messageId, given[index]?.messageId);
    assert.equal(body, given[index]?.body, `the body of ${messageId} was changed`);
  });
}
