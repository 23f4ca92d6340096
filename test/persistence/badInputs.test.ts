import type { NewMessage } from 'indelible/protocol';
import { describe, expect, it } from 'vitest';
import type { MessageChange } from '../../src/persistence/messageUpdate.ts';
import { systemClock } from '../../src/resilience/clock.ts';
import { settle } from './manualClock.ts';
import { message, messages, setUp, storedIds } from './service.ts';

/**
 * What each bad input gets, through the whole way: door, queue, database and back. The door's own tests are in
 * test/protocol.
 */
describe('content is stored and read back to the same string', () => {
  it.each([
    ['empty', ''],
    ['NUL', 'a\u0000b\u0000'],
    ['a lone surrogate', '\ud83d x \ude00'],
    ['an emoji of four bytes', '😀 👩‍👩‍👧‍👦'],
    ['marks of right-to-left', '\u202eabc\u202c \u200f שלום مرحبا'],
    ['line ends of every kind', '\r\n \n \r \u2028 \u2029 \u0085'],
    ['escapes of a terminal', '\u001b[31mred\u0007'],
    ['what looks like JSON', '{"a":"\\u0000"}'],
    ['a short text', 'ok'],
    ['a long text', 'é'.repeat(1_000_000)],
  ])('%s', async (_what, content) => {
    const { service } = setUp();
    const metadata = { [content.slice(0, 100)]: content };
    expect((await service.save(message('m1', { content, metadata }))).status).toBe('stored');
    const [read] = await service.getMessagesForPlan('plan');
    expect(read?.content).toBe(content);
    expect(read?.metadata).toEqual(metadata);
  });
});

describe('metadata that is not JSON gets an error that names the path, and the queue lives on', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  let deep: unknown = 0;
  for (let depth = 0; depth < 5_000; depth++) deep = { deeper: deep };

  it.each<[string, unknown, string]>([
    ['undefined', undefined, 'metadata.x'],
    ['a function', () => 1, 'metadata.x'],
    ['a symbol', Symbol('x'), 'metadata.x'],
    ['a BigInt', 1n, 'metadata.x'],
    ['a cycle', cycle, 'metadata.x.self'],
    ['NaN', Number.NaN, 'metadata.x'],
    ['Infinity', [Number.POSITIVE_INFINITY], 'metadata.x[0]'],
    ['an invalid date', { at: new Date(Number.NaN) }, 'metadata.x.at'],
    ['an integer over 2^53', { id: 2 ** 53 + 2 }, 'metadata.x.id'],
    [
      'a toJSON that throws',
      {
        toJSON() {
          throw new Error('x');
        },
      },
      'metadata.x',
    ],
    [
      'a getter that throws',
      {
        get y() {
          throw new Error('x');
        },
      },
      'metadata.x.y',
    ],
  ])('%s', async (_what, x, field) => {
    const { service, store } = setUp();
    const results = await service.saveAll([message('m1'), message('bad', { metadata: { x } }), message('m2')]);
    expect(results[1]).toMatchObject({ status: 'refused', error: { code: 'metadata_not_json', field } });
    expect(await storedIds(store)).toEqual(['m1', 'm2']);
  });

  it('nesting of 5,000, without a stack overflow', async () => {
    const { service, store } = setUp();
    const result = await service.save(message('bad', { metadata: { deep } }));
    expect(result).toMatchObject({ status: 'refused', error: { code: 'metadata_not_json' } });
    await service.save(message('m1'));
    expect(await storedIds(store)).toEqual(['m1']);
  });

  it('but an own key __proto__ is data: it is kept, and no prototype is touched', async () => {
    const { service } = setUp();
    await service.save(message('m1', { metadata: JSON.parse('{"__proto__":{"x":1},"deep":{"__proto__":2}}') }));
    const [read] = await service.getMessagesForPlan('plan');
    expect(JSON.stringify(read?.metadata)).toBe('{"__proto__":{"x":1},"deep":{"__proto__":2}}');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('and integers up to 2^53 are never rounded', async () => {
    const { service } = setUp();
    const metadata = { most: Number.MAX_SAFE_INTEGER, least: Number.MIN_SAFE_INTEGER, text: '9007199254740993' };
    await service.save(message('m1', { metadata }));
    expect((await service.getMessagesForPlan('plan'))[0]?.metadata).toEqual(metadata);
  });
});

describe('a message that throws when it is read', () => {
  it.each(['planId', 'messageId', 'agentName', 'agentType', 'type', 'content', 'metadata', 'timestamp'])(
    'at %s is refused, and the queue lives on',
    async (field) => {
      const { service, store } = setUp();
      const bad = Object.defineProperty({ ...message('bad') }, field, {
        enumerable: true,
        get() {
          throw new Error('from the getter');
        },
      });
      const results = await service.saveAll([message('m1'), bad, message('m2')]);
      expect(results.map(({ status }) => status)).toEqual(['stored', 'refused', 'stored']);
      expect(await storedIds(store)).toEqual(['m1', 'm2']);
    },
  );
});

describe('sizes', () => {
  it('10 MiB are too large, and the next message is stored', async () => {
    const { service, store } = setUp();
    const results = await service.saveAll([message('large', { content: 'x'.repeat(10 * 1024 * 1024) }), message('m1')]);
    expect(results[0]).toMatchObject({ status: 'refused', error: { code: 'message_too_large', status: 413 } });
    expect(await storedIds(store)).toEqual(['m1']);
  });

  it('a batch of 33,000 is written in parts, whole and in order', async () => {
    const { service, batches, store } = setUp();
    const answers = await service.saveMessagesBatch(messages(33_000, { content: 'one of many' }));
    expect(answers).toHaveLength(33_000);
    expect(answers.every((stored) => stored)).toBe(true);
    expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(1_024);
    expect(await storedIds(store)).toEqual(messages(33_000).map(({ messageId }) => messageId));
  });
});

describe('ids', () => {
  it.each([
    ['empty', ''],
    ['of 5 kB', 'x'.repeat(5_000)],
    ['with a control character', 'a\u0000'],
    ['with a lone surrogate', 'a\ud800'],
  ])('%s get an error, for plans and messages', async (_what, id) => {
    const { service } = setUp();
    expect(await service.save(message(id))).toMatchObject({
      status: 'refused',
      error: { code: 'invalid_id', field: 'messageId' },
    });
    expect(await service.save(message('m1', { planId: id }))).toMatchObject({
      status: 'refused',
      error: { code: 'invalid_id', field: 'planId' },
    });
  });

  it('that differ in case or Unicode normal form are distinct', async () => {
    const { service, store } = setUp();
    const ids = [
      'caf\u00e9',
      'cafe\u0301',
      'CAF\u00c9',
      'id',
      'ID',
      '61626364-6566-4768-896a-6b6c6d6e6f70',
      '61626364-6566-4768-896A-6B6C6D6E6F70',
    ];
    const results = await service.saveAll(ids.map((id) => message(id, { content: 'the same' })));
    expect(results.every((result) => result.status === 'stored' && !result.duplicate)).toBe(true);
    expect(await storedIds(store)).toEqual(ids);
  });

  it('that come again: with the same content a duplicate, with other content a conflict, also in one batch', async () => {
    const { service, store } = setUp();
    const results = await service.saveAll([
      message('a', { metadata: { x: 1, y: 2 } }),
      message('a', { metadata: { y: 2, x: 1 }, timestamp: '1999-01-01T00:00:00Z' }),
      message('a', { metadata: { x: 1, y: 3 } }),
    ]);
    expect(results[0]).toMatchObject({ status: 'stored', duplicate: false, message: { sequence: 1 } });
    expect(results[1]).toMatchObject({ status: 'stored', duplicate: true, message: { sequence: 1 } });
    expect(results[2]).toMatchObject({ status: 'refused', error: { code: 'message_conflict', status: 409 } });
    expect(await service.save(message('a', { metadata: { x: 1, y: 2 } }))).toMatchObject({
      status: 'stored',
      duplicate: true,
    });
    expect(await service.save(message('a'))).toMatchObject({ error: { code: 'message_conflict' } });
    expect(await storedIds(store)).toEqual(['a']);
  });
});

describe('a message object that is changed after save()', () => {
  it('is stored as it was at the call, also while the database is away', async () => {
    const { service, faults, clock } = setUp();
    faults.refuse();
    const metadata = { list: [1], deep: { a: 1 } };
    const changing = { ...message('m1', { content: 'before', metadata }) };
    const save = service.save(changing);
    Object.assign(changing, { content: 'after', messageId: 'm2', planId: 'other' });
    metadata.list.push(2);
    metadata.deep.a = 2;
    await settle();
    faults.heal();
    await clock.pass(900);
    expect((await save).status).toBe('stored');
    const [read] = await service.getMessagesForPlan('plan');
    expect(read).toMatchObject({ messageId: 'm1', content: 'before', metadata: { list: [1], deep: { a: 1 } } });
    expect(await service.getMessagesForPlan('other')).toEqual([]);
  });
});

describe('a clock that is set back', () => {
  it('changes no order', async () => {
    const { service, clock } = setUp();
    for (const one of messages(5)) {
      await service.save(one);
      clock.wallClock -= 86_400_000;
    }
    const read = await service.getMessagesForPlan('plan');
    expect(read.map(({ messageId, sequence }) => [messageId, sequence])).toEqual(
      messages(5).map(({ messageId }, i) => [messageId, i + 1]),
    );
    expect(read.map(({ timestamp }) => timestamp)).toEqual(
      read
        .map(({ timestamp }) => timestamp)
        .toSorted()
        .reverse(),
    );
  });
});

describe('what is no message at all', () => {
  it.each([[undefined], [null], [5], ['text'], [[]], [{}], [() => {}], [new Map()], [Symbol('m')]])(
    '%s is refused, and nothing is thrown',
    async (input) => {
      const { service, store, events } = setUp();
      const results = await service.saveAll([message('m1'), input as unknown as NewMessage, message('m2')]);
      expect(results.map(({ status }) => status)).toEqual(['stored', 'refused', 'stored']);
      expect(events.filter(({ type }) => type === 'message_refused')).toHaveLength(1);
      expect(await storedIds(store)).toEqual(['m1', 'm2']);
    },
  );
});

describe('after close', () => {
  it('a save is an error', async () => {
    const { service, store } = setUp();
    await service.close();
    expect(await service.save(message('m1'))).toMatchObject({
      status: 'refused',
      error: { code: 'service_closed', status: 503 },
    });
    expect(await service.saveMessagesBatch(messages(2))).toEqual([false, false]);
    expect(await storedIds(store)).toEqual([]);
  });
});

describe('what is no list of messages', () => {
  it.each([null, undefined, 5, 'ab', {}])('is refused as a batch, not thrown: %s', async (batch) => {
    const { service } = setUp();
    const list = batch as unknown as NewMessage[];
    expect(await service.saveAll(list)).toMatchObject([{ status: 'refused', message: undefined }]);
    expect(await service.saveMessagesBatch(list)).toEqual([false]);
  });

  it('a hole in a batch is refused by itself', async () => {
    const { service } = setUp();
    const batch = new Array<NewMessage>(2);
    batch[1] = { planId: 'plan', agentName: 'agent', content: 'there' };
    expect(await service.saveMessagesBatch(batch)).toEqual([false, true]);
  });
});

describe('a clock that is out of its years', () => {
  it.each([Date.UTC(12_000, 0), Date.UTC(-1, 0), Number.NaN])(
    'makes no message that cannot be read: %s',
    async (now) => {
      const clock = { ...systemClock, now: () => now };
      const { service } = setUp({ clock });
      const refused = await service.save({ planId: 'plan', agentName: 'agent', content: 'x' });
      expect(refused).toMatchObject({ status: 'refused', error: { code: 'invalid_message', field: 'timestamp' } });
    },
  );
});

it('text of the greatest length there is is too large, not malformed', async () => {
  const { service } = setUp();
  const result = await service.save({ planId: 'plan', agentName: 'agent', content: 'x'.repeat(2 ** 29 - 24) });
  expect(result).toMatchObject({ status: 'refused', error: { code: 'message_too_large' } });
});

it('an update without a change says so', async () => {
  const { service } = setUp();
  const result = await service.updateMessage('plan', 'm1', undefined as unknown as MessageChange);
  expect(result).toMatchObject({ status: 'refused', error: { code: 'invalid_message', field: 'change' } });
});
