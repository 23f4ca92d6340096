const maxDepth = 100;

/**
 * A copy of `value` that JSON carries, for data a framework attached to a message: no message is refused because of a
 * stray `undefined`, BigInt or cycle in it. What JSON has is kept exactly. Bytes become base64; a BigInt, an integer
 * beyond 2^53, NaN and the infinities become strings; maps and sets become arrays; what holds nothing to keep
 * (`undefined`, functions, symbols) is left out, in arrays `null`. Never throws.
 */
export function jsonSafe(value: unknown): unknown {
  return copy(value, []) ?? null;
}

/** As {@link jsonSafe}, of an object's members: those that hold nothing are not there. */
export function jsonSafeMembers(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return jsonSafe(members) as Record<string, unknown>;
}

function copy(value: unknown, ancestors: readonly object[]): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return copyNumber(value);
    case 'bigint':
      return String(value);
    case 'object':
      return value === null ? null : copyObject(value, ancestors);
    default:
      return undefined;
  }
}

function copyNumber(value: number): number | string {
  if (!Number.isInteger(value)) return Number.isFinite(value) ? value : String(value);
  return Number.isSafeInteger(value) ? value : String(BigInt(value));
}

function copyObject(value: object, ancestors: readonly object[]): unknown {
  if (ancestors.includes(value)) return '[cycle]';
  if (ancestors.length >= maxDepth) return '[too deep]';
  const way = [...ancestors, value];
  try {
    if (value instanceof Uint8Array)
      return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
    if (value instanceof ArrayBuffer) return Buffer.from(value).toString('base64');
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
    if (value instanceof Error) return { name: value.name, message: value.message };
    if (value instanceof Map || value instanceof Set) return Array.from(value, (item) => copy(item, way) ?? null);
    if (Array.isArray(value)) return Array.from(value, (item) => copy(item, way) ?? null);
    if ('toJSON' in value && typeof value.toJSON === 'function') return copy(value.toJSON(), way);
  } catch {
    return '[unreadable]';
  }
  return Object.fromEntries(Object.keys(value).flatMap((key) => copyMember(value, key, way)));
}

function copyMember(holder: object, key: string, way: readonly object[]): [string, unknown][] {
  let member: unknown;
  try {
    member = copy((holder as Record<string, unknown>)[key], way);
  } catch {
    member = '[unreadable]';
  }
  return member === undefined ? [] : [[key, member]];
}
