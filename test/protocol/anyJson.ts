import { fc } from '@fast-check/vitest';

/** Any value that JSON carries without loss; keys and strings of any UTF-16 units. */
export const anyJson: fc.Arbitrary<unknown> = fc
  .jsonValue({ maxDepth: 4, stringUnit: 'binary' })
  .map(withoutUnsafeIntegers);

export const anyJsonObject: fc.Arbitrary<Record<string, unknown>> = fc.dictionary(
  fc.string({ unit: 'binary', maxLength: 10 }),
  anyJson,
  { maxKeys: 6 },
);

/** Integers beyond 2^53 are refused: they become their text. */
function withoutUnsafeIntegers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUnsafeIntegers);
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value) ? String(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutUnsafeIntegers(member)]));
}
