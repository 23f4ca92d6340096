import type { JsonObject, JsonValue } from '../../protocol/jsonText.ts';
import type { SeededRandom } from './seededRandom.ts';

/** Strings that have come back changed from one database or another. */
export const nastyStrings: readonly string[] = [
  '',
  ' ',
  '\u0000',
  'a\u0000b\u0000',
  '\ud800',
  '\udc00\ud800',
  'a\udfffb',
  '\ufffd',
  '\ufeff starts with a byte order mark',
  '\uffff\ufffe',
  '\u2028\u2029\u0085',
  '\r\n\n\r\t\u000b\u000c\b',
  '\u001b[31mred\u001b[0m\u0007',
  '\u007f\u0080\u009f',
  '"\\/\'`$x{y}',
  '\\u0000 \\ud800 \\n',
  '😀👩‍👩‍👧‍👦🏳️‍🌈',
  'e\u0301 é ﬁ ſ İ ı ß',
  '\u202eright to left\u202c שלום مرحبا \u200f\u200e',
  '𝒳𠜎\u{10ffff}',
  "' OR 1=1; DROP TABLE messages;--",
  '%s %d %n $1 ? :name @x {0}',
  '<img src=x onerror=alert(1)><!-- ]]>',
  '{"type":"agent_message"}',
  'null',
  '-0',
  '00',
  '1e999',
  '9007199254740993',
  '2026-11-23T10:00:00.000Z',
  'a'.repeat(65_536),
];

/** Any text: plain, nasty, or any UTF-16 units at all, lone surrogates among them. */
export function anyText(random: SeededRandom, maxLength = 40): string {
  if (random.below(4) === 0) return random.pick(nastyStrings.slice(0, -1));
  const units = Array.from({ length: random.below(maxLength) }, () => {
    const kind = random.below(4);
    if (kind === 0) return random.below(0x20);
    if (kind === 1) return 0xd800 + random.below(0x800);
    return kind === 2 ? random.below(0x1_0000) : 0x20 + random.below(0x5f);
  });
  return String.fromCharCode(...units);
}

export function anyObject(random: SeededRandom, depth = 3): JsonObject {
  const members = Array.from({ length: random.below(5) }, () => [anyKey(random), anyValue(random, depth - 1)] as const);
  return Object.fromEntries(members);
}

function anyKey(random: SeededRandom): string {
  return random.pick(['a', 'b', '', '__proto__', 'constructor', '1', '-1', anyText(random, 8)]);
}

function anyValue(random: SeededRandom, depth: number): JsonValue {
  const kind = random.below(depth > 0 ? 8 : 6);
  if (kind === 0) return null;
  if (kind === 1) return random.below(2) === 0;
  if (kind === 2) return anyNumber(random);
  if (kind === 6) return Array.from({ length: random.below(4) }, () => anyValue(random, depth - 1));
  if (kind === 7) return anyObject(random, depth);
  return anyText(random);
}

function anyNumber(random: SeededRandom): number {
  return random.pick([0, -0, 1, -1, 0.1, 1e-7, 5e-324, 1.5e300 / 1e290, 2 ** 53 - 1, -(2 ** 53) + 1, random.next()]);
}
