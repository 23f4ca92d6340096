import { IndelibleError } from './errors.ts';

/** A value that JSON carries without loss. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

/** Deeper nesting than this is refused: it is never data, and readers in other languages overflow on it. */
const maxJsonDepth = 200;

/**
 * Encodes `value` as JSON text, once, and refuses whatever `JSON.stringify` would lose or change in silence:
 * `undefined`, functions, symbols, BigInt, NaN and infinities, invalid dates, integers beyond 2^53, cycles, maps, sets,
 * errors, holes in arrays. The error names the path (`metadata.tools[2].when`). Every property is read exactly once, so
 * a getter cannot answer differently to a check and to the encoding. `toJSON` is honoured, as of `Date`.
 *
 * Control characters and lone surrogates become escapes, so the text is valid UTF-8 and holds no raw newline and no NUL.
 */
export function encodeJson(value: unknown, path: string): string {
  return encode(value, path, []);
}

/** {@link encodeJson} of what must be an object, also if it has a `toJSON`. */
export function encodeJsonObject(value: object, path: string): string {
  const text = encodeJson(value, path);
  if (text.startsWith('{')) return text;
  throw refused(path, 'has a toJSON that answers no object');
}

function encode(value: unknown, path: string, ancestors: object[]): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      return encodeNumber(value, path);
    case 'object':
      return value === null ? 'null' : encodeObject(value, path, ancestors);
    default:
      throw refused(path, typeof value === 'undefined' ? 'is undefined' : `is a ${typeof value}`);
  }
}

function encodeNumber(value: number, path: string): string {
  if (!Number.isFinite(value)) throw refused(path, `is ${value}`);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw refused(path, 'is an integer beyond 2^53, which readers would round: send it as a string');
  }
  return Object.is(value, -0) ? '-0' : String(value);
}

function encodeObject(value: object, path: string, ancestors: object[]): string {
  if (ancestors.includes(value)) throw refused(path, 'refers back to something that holds it (a cycle)');
  if (ancestors.length >= maxJsonDepth) throw refused(path.slice(0, 200), `is nested deeper than ${maxJsonDepth}`);
  const toJson = read(value, 'toJSON', path);
  if (typeof toJson === 'function') {
    if (value instanceof Date && Number.isNaN(value.getTime())) throw refused(path, 'is an invalid date');
    const plain = attempt(() => toJson.call(value, ''), path, 'has a toJSON that throws');
    ancestors.push(value);
    const text = encode(plain, path, ancestors);
    ancestors.pop();
    return text;
  }
  ancestors.push(value);
  const text = Array.isArray(value) ? encodeArray(value, path, ancestors) : encodeRecord(value, path, ancestors);
  ancestors.pop();
  return text;
}

function encodeArray(values: readonly unknown[], path: string, ancestors: object[]): string {
  let text = '[';
  for (let index = 0; index < values.length; index++) {
    const place = `${path}[${index}]`;
    text += (index === 0 ? '' : ',') + encode(read(values, index, place), place, ancestors);
  }
  return `${text}]`;
}

function encodeRecord(record: object, path: string, ancestors: object[]): string {
  const tag = attempt(() => Object.prototype.toString.call(record), path, 'throws when its kind is read');
  if (tag !== '[object Object]') throw refused(path, `is ${tag.slice(8, -1)}, which is not plain data`);
  let text = '{';
  for (const key of attempt(() => Object.keys(record), path, 'cannot be listed')) {
    const place = /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key.slice(0, 100))}]`;
    text +=
      (text.length === 1 ? '' : ',') + JSON.stringify(key) + ':' + encode(read(record, key, place), place, ancestors);
  }
  return `${text}}`;
}

function read(holder: object, key: string | number, path: string): unknown {
  return attempt(() => (holder as Record<string | number, unknown>)[key], path, 'throws when it is read');
}

function attempt<T>(action: () => T, path: string, what: string): T {
  try {
    return action();
  } catch (cause) {
    throw new IndelibleError('metadata_not_json', { message: `${path} ${what}`, field: path, cause });
  }
}

function refused(path: string, what: string): IndelibleError {
  return new IndelibleError('metadata_not_json', { message: `${path} ${what}`, field: path });
}
