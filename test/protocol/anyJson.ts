import { fc } from '@fast-check/vitest';

/** Any value that JSON.stringify carries without loss; keys and strings of any UTF-16 units. */
export const anyJson: fc.Arbitrary<unknown> = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }).map(withoutLoss);

/** Names without a backslash: see `anyKey` of test/properties/saying.ts. */
export const anyJsonObject: fc.Arbitrary<Record<string, unknown>> = fc.dictionary(
  fc.string({ unit: 'binary', maxLength: 10 }).filter((key) => !key.includes('\\')),
  anyJson,
  { maxKeys: 6 },
);

/** Integers beyond 2^53, which are refused, become their text; -0, which JSON.stringify writes as 0, becomes 0. */
function withoutLoss(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutLoss);
  if (typeof value === 'number')
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? `${value}` : value + 0;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutLoss(member)]));
}
