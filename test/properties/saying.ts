import fc from 'fast-check';
import { type MessageType, messageTypes } from '../../src/protocol/messageType.ts';

/** What a message can say: anything that must come back as it was given. */
export interface Saying {
  readonly content: string;
  readonly agentType?: string;
  readonly type?: MessageType;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly timestamp?: string | Date;
}

/** Any sequence of UTF-16 units, halves of surrogate pairs and NUL among them. */
const anyUnits = fc.string({
  unit: fc
    .oneof(fc.nat({ max: 0xffff }), fc.integer({ min: 0xd800, max: 0xdfff }), fc.nat({ max: 0x1f }))
    .map((unit) => String.fromCharCode(unit)),
});

const awkward = fc.constantFrom(
  '',
  '\u0000',
  'a\u0000b',
  '\ud83d',
  '\udc4b\ud83d',
  '👩‍👩‍👧‍👦',
  'é',
  'e\u0301',
  '\u202eabc\u202c',
  '\u2028\u2029\u0085',
  '\r\n\n',
  '\u001b[31mred\u001b[0m',
  '"',
  '\\',
  '\\"',
  '\\u0000',
  '"},{"type":"agent_message"',
  '{"type":"final_result_message","sequence":1}',
  '<img src=x onerror=alert(1)>',
  "'; DROP TABLE messages; --",
  '\ufeff',
  'null',
  '1e999',
);

export const anyText = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 2, arbitrary: anyUnits },
  { weight: 2, arbitrary: awkward },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme' }) },
);

const longText = fc
  .tuple(fc.constantFrom('x', '\u0000', '👋', '\ud83d', '\\"', 'é\n'), fc.integer({ min: 1_000, max: 40_000 }))
  .map(([unit, times]) => unit.repeat(times));

const anyContent = fc.oneof({ weight: 12, arbitrary: anyText }, { weight: 1, arbitrary: longText });

/** 1 to 256 characters of anything. */
export const anyName = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'Planner',
      'Human_Agent',
      'researcher "R"',
      'a\\',
      '代理',
      '🤖',
      '__proto__',
      'N'.repeat(256),
    ),
  },
  { weight: 1, arbitrary: anyText.map((text) => text.slice(0, 256)).filter((text) => text !== '') },
);

const anyNumber = fc.oneof(
  fc.maxSafeInteger(),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .filter((value) => !Number.isInteger(value) || Number.isSafeInteger(value)),
  fc.constantFrom(0, -0, 1e-7, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
);

/**
 * Names of members. None has a backslash: V8 (seen in Node 24.9) parses `{"\ud800":1}` to a member named by a backslash if it
 * parsed an object with such a member before, for it compares the text with the name it expects before undoing escapes.
 */
const anyKey = fc
  .oneof(
    { weight: 3, arbitrary: fc.string({ maxLength: 8 }) },
    { weight: 1, arbitrary: anyUnits },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        '__proto__',
        'constructor',
        'toJSON',
        'hasOwnProperty',
        'data',
        'type',
        'status',
        'sequence',
        'timestamp',
        '',
        '0',
        '10',
        'length',
      ),
    },
  )
  .filter((key) => !key.includes('\\'));

const { value: anyJson } = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false),
    anyNumber,
    anyText,
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: record(tie('value')),
}));

/** An object with own members only, also such as are named `__proto__`. */
function record(value: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> {
  return fc
    .uniqueArray(fc.tuple(anyKey, value), { maxLength: 5, selector: ([key]) => key })
    .map((members) => Object.fromEntries(members));
}

/** Nested nearly as deep as is allowed. */
const deepMetadata = fc.integer({ min: 50, max: 198 }).map((depth) => {
  let value: unknown = 'bottom';
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { inner: value };
  return { deep: value };
});

const anyMetadata: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({}) },
  { weight: 8, arbitrary: record(anyJson) },
  { weight: 1, arbitrary: deepMetadata },
);

const anyDate = fc.date({
  min: new Date('0000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});

export const anySaying: fc.Arbitrary<Saying> = fc.record(
  {
    content: anyContent,
    agentType: anyName,
    type: fc.constantFrom(...messageTypes),
    metadata: anyMetadata,
    timestamp: fc.oneof(
      anyDate,
      anyDate.map((date) => date.toISOString()),
    ),
  },
  { requiredKeys: ['content'] },
);
