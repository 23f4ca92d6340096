import assert from 'node:assert/strict';
import type { NewMessage, PreparedMessage } from '../../protocol/message.ts';
import type { AppendOutcome } from '../../store/messageLog.ts';
import { whenAvailable } from './availability.ts';
import { contractTests } from './contractTest.ts';
import { allOf, asStored, plain, sample, withMetadata } from './sampleMessages.ts';

/** Distinct ids that a careless store takes for the same. */
const easilyConfused: readonly (readonly string[])[] = [
  ['id', 'ID', 'Id'],
  // é as one character and as e with an accent; the ligature ﬁ and its compatibility form.
  ['caf\u00e9', 'cafe\u0301', 'cafe'],
  ['\ufb01', 'fi'],
  ['strasse', 'straße', 'STRASSE'],
  ['i', 'I', 'ı', 'İ'],
  // A UUID, the same in upper case, without hyphens, and the string whose 16 bytes are that UUID's.
  [
    '61626364-6566-4768-696a-6b6c6d6e6f70',
    '61626364-6566-4768-696A-6B6C6D6E6F70',
    '61626364656647 68696a6b6c6d6e6f70',
    '6162636465664768696a6b6c6d6e6f70',
    '{61626364-6566-4768-696a-6b6c6d6e6f70}',
    'urn:uuid:61626364-6566-4768-696a-6b6c6d6e6f70',
    'abcdefGhijklmnop',
  ],
  ['1', '01', '1.0', '1e0', '+1', ' 1', '1 ', '0x1'],
  ['a', 'a ', ' a', 'a\u00a0', 'a\u200b', '\ufeffa'],
  ['a%', 'a_', 'a*', 'a?', 'a[b]', "a'", 'a"', 'a`', 'a;--'],
  ['null', 'NULL', 'undefined', 'true', 'NaN'],
  ['__proto__', 'constructor', 'toString', 'hasOwnProperty'],
  ['😀', '😁', '\ud83d\ude00\u200d', '\u202e😀'],
  ['x'.repeat(256), 'x'.repeat(255), `${'x'.repeat(255)}y`],
];

export const once = contractTests('once', {
  'the same id with the same content answers the first place, and the first timestamp stays': async (open) => {
    const { log } = await open();
    const first = sample('m', { timestamp: '2026-01-01T00:00:00.000Z' });
    await log.append([sample('before'), first]);
    const [again] = await log.append([sample('m', { timestamp: '2026-01-02T00:00:00.000Z' })]);
    assert.equal(again?.status, 'duplicate');
    assert.deepEqual(plain(again.message), asStored(first, 2));
    assert.deepEqual(await allOf(log), [asStored(sample('before'), 1), asStored(first, 2)]);
  },

  'the order of keys in the metadata does not make other content': async (open) => {
    const { log } = await open();
    await log.append([withMetadata('m', { a: 1, b: [{ c: null, d: 'x' }], ['__proto__']: 2 })]);
    const [again] = await log.append([withMetadata('m', { ['__proto__']: 2, b: [{ d: 'x', c: null }], a: 1 })]);
    assert.equal(again?.status, 'duplicate');
  },

  'the same id with other content is a conflict, whatever differs, and the first stays': async (open) => {
    const { log } = await open();
    const first = { content: 'text', metadata: { a: 1, list: [1, 2], deep: { x: null }, text: 'é' } };
    await log.append([sample('m', first)]);
    const others: Partial<NewMessage>[] = [
      { content: 'Text' },
      { content: '' },
      { content: 'text\u0000' },
      { content: 'text ' },
      { agentName: 'planner' },
      { agentType: 'Human_Agent' },
      { type: 'final_result_message' },
      { metadata: {} },
      { metadata: { ...first.metadata, a: '1' } },
      { metadata: { ...first.metadata, a: true } },
      { metadata: { ...first.metadata, list: [2, 1] } },
      { metadata: { ...first.metadata, list: { 0: 1, 1: 2 } } },
      { metadata: { ...first.metadata, deep: {} } },
      { metadata: { ...first.metadata, deep: { x: null, y: null } } },
      { metadata: { ...first.metadata, deep: { X: null } } },
      { metadata: { ...first.metadata, text: 'e\u0301' } },
      { metadata: { ...first.metadata, more: 0 } },
    ];
    for (const other of others) {
      const [outcome] = await log.append([sample('m', { ...first, ...other })]);
      assert.equal(outcome?.status, 'conflict', JSON.stringify(other));
      assert.deepEqual(plain(outcome.message), asStored(sample('m', first), 1));
    }
    assert.deepEqual(await allOf(log), [asStored(sample('m', first), 1)]);
  },

  'it holds within one batch too': async (open) => {
    const { log } = await open();
    const batch = [sample('a'), sample('b'), sample('a'), sample('b', { content: 'other' }), sample('c'), sample('b')];
    const outcomes = await log.append(batch);
    assert.deepEqual(
      outcomes.map(({ status, message }) => `${status} ${message.messageId} ${message.sequence}`),
      ['stored a 1', 'stored b 2', 'duplicate a 1', 'conflict b 2', 'stored c 3', 'duplicate b 2'],
    );
    assert.deepEqual(
      outcomes.map(({ message }) => message.body),
      [0, 1, 0, 1, 4, 1].map((index) => batch[index]?.body),
    );
  },

  'a batch that is appended again, as after an answer that was lost, answers duplicates in the same places': async (
    open,
  ) => {
    const { log } = await open();
    const batch = ['c', 'a', 'b'].map((id) => sample(id));
    const first = await log.append(batch);
    const again = await log.append([...batch, sample('d')]);
    assert.deepEqual(
      again.map(({ status }) => status),
      ['duplicate', 'duplicate', 'duplicate', 'stored'],
    );
    assert.deepEqual(
      again.slice(0, 3).map(({ message }) => plain(message)),
      first.map(({ message }) => plain(message)),
    );
    assert.equal(again[3]?.message.sequence, 4);
  },

  'the same message id in another plan is another message': async (open) => {
    const { log } = await open();
    const ids = ['m', '61626364-6566-4768-696a-6b6c6d6e6f70'];
    for (const id of ids) {
      const batch = ['a', 'b', 'c'].map((planId) => sample(id, { planId, content: planId }));
      assert.ok((await log.append(batch)).every(({ status }) => status === 'stored'));
      for (const message of batch) assert.equal((await log.find(message.planId, id))?.body, message.body);
    }
  },

  'message ids are compared exactly: case, normal form, spaces, forms of a UUID': async (open) => {
    const { log } = await open();
    const ids = easilyConfused.flat();
    const batch = ids.map((id, index) => sample(id, { content: `number ${index}` }));
    const outcomes = await log.append(batch);
    ids.forEach((id, index) => {
      assert.equal(outcomes[index]?.status, 'stored', `${JSON.stringify(id)} was taken for another id`);
      assert.equal(outcomes[index]?.message.messageId, id);
    });
    for (const message of batch) assert.equal((await log.find('plan', message.messageId))?.body, message.body);
    assert.deepEqual(
      (await allOf(log)).map(({ messageId }) => messageId),
      ids,
    );
  },

  'plan ids are compared exactly too': async (open) => {
    const { log } = await open();
    const ids = easilyConfused.flat();
    const batch = ids.map((planId) => sample('m', { planId, content: planId }));
    await log.append(batch);
    const heads = await log.heads(ids);
    for (const message of batch) {
      assert.deepEqual(await allOf(log, message.planId), [asStored(message, 1)]);
      assert.equal(heads.get(message.planId)?.sequence, 1);
    }
  },

  'of 100 who save the same message at once, through two instances, one stores it and all are told its place': async (
    open,
  ) => {
    const stores = [await open(), await open()] as const;
    await stores[0].log.append([sample('before')]);
    const outcomes = await manyAtOnce(100, (index) => {
      return whenAvailable(() => stores[index % 2 === 0 ? 0 : 1].log.append([sample('m')]));
    });
    assert.equal(outcomes.filter(({ status }) => status === 'stored').length, 1);
    assert.ok(outcomes.every(({ status, message }) => status !== 'conflict' && message.sequence === 2));
    assert.equal((await allOf(stores[0].log)).length, 2);
  },

  'of 100 who save different messages under one id at once, one stores it and the others are told what it says': async (
    open,
  ) => {
    const stores = [await open(), await open()] as const;
    const outcomes = await manyAtOnce(100, (index) => {
      const message: PreparedMessage = sample('m', { content: `from ${index}` });
      return whenAvailable(() => stores[index % 2 === 0 ? 0 : 1].log.append([message]));
    });
    const stored = await allOf(stores[1].log);
    assert.equal(stored.length, 1);
    assert.equal(outcomes.filter(({ status }) => status === 'conflict').length, 99);
    for (const { message } of outcomes) assert.deepEqual(plain(message), stored[0]);
  },
});

async function manyAtOnce(
  count: number,
  append: (index: number) => Promise<readonly AppendOutcome[]>,
): Promise<AppendOutcome[]> {
  return (await Promise.all(Array.from({ length: count }, (_, index) => append(index)))).flat();
}
