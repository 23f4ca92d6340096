import { fc, test } from '@fast-check/vitest';
import { type NewMessage, parseMessageBytes, prepareMessage, sameContent } from 'indelible/protocol';
import { describe, expect, it } from 'vitest';
import { leadingTokens } from '../../src/protocol/messageBytes.ts';
import { anyJsonObject } from './anyJson.ts';

const nastyNames = [
  '"',
  '\\',
  '\\"',
  '"\\',
  '\\\\',
  '\\\\"',
  'ends in a backslash \\',
  '","message_id":"forged',
  '"}],"content":"',
  '\u2028\u2029',
  '\u0000',
  '\n',
  '\ud800',
  '\udfff"',
  '😀👩‍👩‍👧‍👦',
  '\u202e',
  'é'.repeat(256),
  ' ',
];

function bodyOf(fields: Partial<NewMessage>, timestamp = '2026-11-23T10:00:00.000Z'): string {
  const message = { planId: 'p', messageId: 'm', agentName: 'Planner', content: 'text', timestamp, ...fields };
  return prepareMessage(message, { now: () => 0 }).body;
}

/** The encoded values of the leading members, as a parser finds them. */
function parsedTokens(body: string) {
  const { timestamp, type, agent_name, message_id } = parseMessageBytes(body);
  const encoded = [timestamp, type, agent_name, message_id].map((value) => JSON.stringify(value));
  return { timestamp: encoded[0], type: encoded[1], agentName: encoded[2], messageId: encoded[3] };
}

describe('the leading tokens of a body', () => {
  it.each(nastyNames)('are cut out right behind the agent name %j', (agentName) => {
    for (const messageId of ['m', '\'"', '😀', 'a","plan_id":"b', '" \u2028']) {
      const body = bodyOf({ agentName, messageId, type: 'final_result_message' });
      expect(leadingTokens(body)).toEqual(parsedTokens(body));
    }
  });

  test.prop([
    fc.string({ unit: 'binary', minLength: 1, maxLength: 50 }),
    fc.stringMatching(/^[a"'{}:,😀\u2028é-]{1,20}$/u),
    fc.string({ unit: fc.constantFrom('"', '\\', 'a', '\u2028', '{', ',') }),
    fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
  ])('are what a parser finds, whatever the strings hold', (agentName, messageId, content, date) => {
    const body = bodyOf({ agentName, messageId, content }, date.toISOString());
    expect(leadingTokens(body)).toEqual(parsedTokens(body));
  });
});

describe('two bodies say the same', () => {
  it('whatever their timestamps', () => {
    expect(sameContent(bodyOf({}), bodyOf({}, '1999-01-01T00:00:00.000Z'))).toBe(true);
  });

  test.prop([anyJsonObject, fc.infiniteStream(fc.nat())])(
    'whatever the order of keys in their metadata',
    (metadata, order) => {
      const shuffled = (value: unknown): unknown => {
        if (typeof value !== 'object' || value === null) return value;
        if (Array.isArray(value)) return value.map(shuffled);
        const keyed = Object.keys(value).map((key) => [order.next().value, key] as const);
        keyed.sort(([one], [other]) => Number(one) - Number(other));
        const result = {};
        for (const [, key] of keyed) {
          const member = { value: shuffled((value as Record<string, unknown>)[key]), enumerable: true };
          Object.defineProperty(result, key, { ...member, writable: true, configurable: true });
        }
        return result;
      };
      const other = shuffled(metadata) as Record<string, unknown>;
      expect(sameContent(bodyOf({ metadata }), bodyOf({ metadata: other }, '1999-01-01T00:00:00.000Z'))).toBe(true);
    },
  );

  test.prop([anyJsonObject, anyJsonObject])('only if their metadata is equal', (metadata, other) => {
    const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
    let equal = true;
    try {
      expect(plain(metadata)).toEqual(plain(other));
    } catch {
      equal = false;
    }
    expect(sameContent(bodyOf({ metadata }), bodyOf({ metadata: other }))).toBe(equal);
  });

  it.each<[string, Partial<NewMessage>, Partial<NewMessage>]>([
    ['content', { content: 'a' }, { content: 'b' }],
    ['agent names', { agentName: 'a' }, { agentName: 'A' }],
    ['agent types', { agentType: 'a' }, { agentType: 'b' }],
    ['types', { type: 'agent_message' }, { type: 'final_result_message' }],
    ['a list and an object', { metadata: { a: ['x'] } }, { metadata: { a: { 0: 'x' } } }],
    ['an empty list and an empty object', { metadata: { a: [] } }, { metadata: { a: {} } }],
    ['null and nothing', { metadata: { a: null } }, { metadata: {} }],
    ['a number and its text', { metadata: { a: 1 } }, { metadata: { a: '1' } }],
    ['a key and another', { metadata: { a: 1 } }, { metadata: { b: 1 } }],
    ['an own key and an inherited one', { metadata: { a: 1 } }, { metadata: { toString: 1 } }],
    ['the order of a list', { metadata: { a: [1, 2] } }, { metadata: { a: [2, 1] } }],
  ])('not if they differ in %s', (_what, one, other) => {
    expect(sameContent(bodyOf(one), bodyOf(other))).toBe(false);
    expect(sameContent(bodyOf(other), bodyOf(one))).toBe(false);
  });

  it('with metadata nested as deep as may be', () => {
    let deep: unknown = { b: 1, a: 2 };
    let other: unknown = { a: 2, b: 1 };
    for (let depth = 0; depth < 190; depth++) [deep, other] = [[deep], [other]];
    expect(sameContent(bodyOf({ metadata: { deep } }), bodyOf({ metadata: { deep: other } }))).toBe(true);
  });
});
