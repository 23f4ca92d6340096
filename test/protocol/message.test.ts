import { fc, test } from '@fast-check/vitest';
import {
  checkId,
  IndelibleError,
  messageTypes,
  type NewMessage,
  parseMessageBytes,
  prepareMessage,
  toAgentMessage,
} from 'indelible/protocol';
import { describe, expect, it } from 'vitest';
import { anyJsonObject } from './anyJson.ts';

const now = Date.parse('2026-11-23T10:00:00.000Z');
const minimal: NewMessage = { planId: 'plan', agentName: 'Planner', content: 'text' };

describe('a message at the door', () => {
  it('gets an id, a time, a kind and empty metadata where it names none', () => {
    const prepared = prepare({});
    expect(prepared.messageId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(parseMessageBytes(prepared.body)).toEqual({
      timestamp: '2026-11-23T10:00:00.000Z',
      type: 'agent_message',
      agent_name: 'Planner',
      message_id: prepared.messageId,
      plan_id: 'plan',
      agent_type: 'agent',
      content: 'text',
      metadata: {},
    });
  });

  it('gets another id each time', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => prepare({}).messageId)).size).toBe(1_000);
  });

  test.prop([
    fc.record({
      content: fc.string({ unit: 'binary' }),
      agentName: fc.string({ unit: 'binary', minLength: 1, maxLength: 100 }),
      agentType: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
      type: fc.constantFrom(...messageTypes),
      metadata: anyJsonObject,
    }),
  ])('says afterwards what it said before, whatever it says', (fields) => {
    const message = toAgentMessage(prepare(fields));
    const { metadata, ...rest } = fields;
    expect(message).toMatchObject({ ...rest, planId: 'plan', sequence: 0, version: 0 });
    expect(message.metadata).toEqual(JSON.parse(JSON.stringify(metadata)));
  });

  it.each([
    ['empty', ''],
    ['NUL', 'a\u0000b'],
    ['a lone surrogate', '\ud83d and \udc00'],
    ['an emoji of four bytes', '😀'],
    ['marks of right-to-left', '\u202eabc\u200f שלום'],
    ['line separators', '\u2028\u2029\r\n'],
  ])('keeps content with %s', (_what, content) => {
    expect(toAgentMessage(prepare({ content })).content).toBe(content);
  });

  it('is encoded at once: what is changed afterwards changes nothing', () => {
    const metadata = { list: [1], deep: { a: 1 } };
    const message = { ...minimal, content: 'before', metadata };
    const { body } = prepareMessage(message, { now: () => now });
    message.content = 'after';
    metadata.list.push(2);
    metadata.deep.a = 2;
    expect(parseMessageBytes(body)).toMatchObject({ content: 'before', metadata: { list: [1], deep: { a: 1 } } });
  });

  it('keeps an own key __proto__ in the metadata as data', () => {
    const { metadata } = toAgentMessage(prepare({ metadata: JSON.parse('{"__proto__":{"x":1}}') }));
    expect(Object.entries(metadata)).toEqual([['__proto__', { x: 1 }]]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

describe('ids', () => {
  it.each([
    ['a UUID', '0193b6a0-5f3c-7d2e-8a1b-1234567890ab'],
    ['one character', 'a'],
    ['256 characters', 'x'.repeat(256)],
    ['spaces and punctuation', ' a: b; "c" \'d\' ?#%&=+,@!$()*~<>|{}[]^`'],
    ['any script', 'план-計画-خطة-😀'],
    ['something like a path', '...'],
    ['__proto__', '__proto__'],
    ['what would be SQL', "' OR 1=1--"],
  ])('may be %s and are kept as given', (_what, id) => {
    const { planId, messageId, body } = prepare({ planId: id, messageId: id });
    expect([planId, messageId]).toEqual([id, id]);
    expect(parseMessageBytes(body)).toMatchObject({ plan_id: id, message_id: id });
    expect(checkId(id, 'planId')).toBe(id);
  });

  it('that differ in case or Unicode normal form stay different', () => {
    for (const id of ['a', 'A', 'caf\u00e9', 'cafe\u0301']) expect(prepare({ messageId: id }).messageId).toBe(id);
  });

  const bad: [string, unknown][] = [
    ['empty', ''],
    ['257 characters', 'x'.repeat(257)],
    ['5 kB', 'x'.repeat(5_000)],
    ['NUL', 'a\u0000'],
    ['a newline', 'a\nb'],
    ['an escape', '\u001b[31m'],
    ['DEL', 'a\u007f'],
    ['a control character beyond ASCII', 'a\u009b31m'],
    ['a slash', 'a/b'],
    ['a backslash', 'a\\b'],
    ['a path', '..'],
    ['here', '.'],
    ['half a surrogate pair', 'a\ud800'],
    ['null', null],
    ['a number', 5],
    ['an object', {}],
    ['a symbol', Symbol('id')],
    ['a string object', Object('id')],
    ['a list', ['id']],
  ];
  it.each(bad)('are refused: %s', (_what, id) => {
    for (const field of ['planId', 'messageId'] as const) {
      const error = refusalOf(() => prepare({ [field]: id } as Partial<NewMessage>));
      expect(error).toMatchObject({ code: 'invalid_id', field });
      expect(error.message).toMatch(new RegExp(`^${field} `));
      expect(error.message.length).toBeLessThan(200);
      expect(refusalOf(() => checkId(id, field))).toMatchObject({ code: 'invalid_id', field });
    }
  });

  it('a plan id must be there', () => {
    const error = refusalOf(() => prepareMessage({ agentName: 'a', content: '' } as NewMessage, { now: () => now }));
    expect(error).toMatchObject({ code: 'invalid_id', field: 'planId', message: 'planId is missing' });
  });
});

describe('what is no message is refused, naming the field', () => {
  it.each<[string, object, string]>([
    ['no content', { content: undefined }, 'content'],
    ['content that is null', { content: null }, 'content'],
    ['content that is a number', { content: 5 }, 'content'],
    ['content that is an object', { content: { text: 'x' } }, 'content'],
    ['no agent', { agentName: undefined }, 'agentName'],
    ['an agent without a name', { agentName: '' }, 'agentName'],
    ['an agent with a name of 5 kB', { agentName: 'x'.repeat(5_000) }, 'agentName'],
    ['an agent type that is empty', { agentType: '' }, 'agentType'],
    ['a type that is none', { type: 'constructor' }, 'type'],
    ['a type of live events', { type: 'agent_message_streaming' }, 'type'],
    ['metadata that is a list', { metadata: [] }, 'metadata'],
    ['metadata that is null', { metadata: null }, 'metadata'],
    ['metadata that is a string', { metadata: '{}' }, 'metadata'],
    ['metadata that is a map', { metadata: new Map() }, 'metadata'],
    ['metadata that is a date', { metadata: new Date() }, 'metadata'],
    ['a timestamp that is none', { timestamp: 'yesterday' }, 'timestamp'],
    ['a timestamp that is an invalid date', { timestamp: new Date(Number.NaN) }, 'timestamp'],
    ['a timestamp that is a number', { timestamp: 5 }, 'timestamp'],
    ['a timestamp of the year 10000', { timestamp: new Date(Date.UTC(10_000, 0)) }, 'timestamp'],
    ['a timestamp before the year 0', { timestamp: '-000001-01-01T00:00:00.000Z' }, 'timestamp'],
  ])('%s', (_what, fields, field) => {
    const error = refusalOf(() => prepare(fields as Partial<NewMessage>));
    expect(error).toMatchObject({ code: 'invalid_message', field });
    expect(error.message).toMatch(new RegExp(`^${field} `));
  });

  it.each([[undefined], [null], [5], ['text'], [[]], [() => {}], [Symbol('m')]])('%s', (message) => {
    const error = refusalOf(() => prepareMessage(message as unknown as NewMessage, { now: () => now }));
    expect(['invalid_message', 'invalid_id']).toContain(error.code);
  });

  it('a getter that throws, with what it threw as the cause', () => {
    const thrown = new Error('from the getter');
    const message = {
      ...minimal,
      get content(): string {
        throw thrown;
      },
    };
    expect(refusalOf(() => prepareMessage(message, { now: () => now }))).toMatchObject({
      code: 'invalid_message',
      cause: thrown,
    });
  });

  it('metadata whose own toJSON makes something else of it than an object', () => {
    for (const made of [5, 'text', null, [], true]) {
      const error = refusalOf(() => prepare({ metadata: { toJSON: () => made } }));
      expect(error, JSON.stringify(made)).toMatchObject({ field: 'metadata' });
    }
    expect(toAgentMessage(prepare({ metadata: { toJSON: () => ({ a: 1 }) } })).metadata).toEqual({ a: 1 });
  });
});

describe('timestamps', () => {
  it.each([
    ['2026-11-23T10:00:00.000Z', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23T10:00:00Z', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23T12:30:00.123456+02:30', '2026-11-23T10:00:00.123Z'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [new Date(-1), '1969-12-31T23:59:59.999Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s is kept as ISO 8601 in UTC with milliseconds', (timestamp, expected) => {
    expect(toAgentMessage(prepare({ timestamp })).timestamp).toBe(expected);
  });
});

describe('the size of a message', () => {
  const limit = 1_000;
  const sized = (content: string) => () =>
    prepareMessage({ ...minimal, messageId: 'm', content }, { now: () => now, maxMessageBytes: limit });

  it.each([['a'], ['é'], ['計'], ['😀'], ['\u0000'], ['\ud800']])(
    'is limited in bytes of UTF-8: of %j',
    (character) => {
      const room = limit - Buffer.byteLength(prepare({ messageId: 'm', content: '' }).body);
      const each = Buffer.byteLength(JSON.stringify(character)) - 2;
      const fits = character.repeat(Math.floor(room / each));
      expect(Buffer.byteLength(sized(fits)().body)).toBeLessThanOrEqual(limit);
      expect(refusalOf(sized(fits + character))).toMatchObject({ code: 'message_too_large', status: 413 });
    },
  );

  it('is at most 4 MiB unless configured: 10 MiB are too large, in the content or in the metadata', () => {
    const large = 'x'.repeat(10 * 1024 * 1024);
    expect(refusalOf(() => prepare({ content: large })).code).toBe('message_too_large');
    expect(refusalOf(() => prepare({ metadata: { large } })).code).toBe('message_too_large');
    expect(prepare({ content: 'x'.repeat(4_000_000) }).body.length).toBeGreaterThan(4_000_000);
  });
});

function prepare(fields: Partial<NewMessage>) {
  return prepareMessage({ ...minimal, ...fields }, { now: () => now });
}

function refusalOf(action: () => unknown): IndelibleError {
  try {
    action();
  } catch (error) {
    if (IndelibleError.is(error)) return error;
    throw error;
  }
  throw new Error('was not refused');
}
