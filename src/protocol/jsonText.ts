import { IndelibleError } from './errors.ts';

/** A value that JSON carries without loss. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

/** Deeper nesting than this is refused: it is never data, and readers in other languages overflow on it. */
const maxJsonDepth = 200;
/** Of a path in an error, in characters; what is longer keeps its beginning. */
const maxPathLength = 500;

/**
 * Encodes `value` as JSON text, once, and refuses whatever `JSON.stringify` would lose or change in silence:
 * `undefined`, functions, symbols (as keys too), BigInt, NaN and infinities, invalid dates, integers beyond 2^53, cycles, maps, sets,
 * errors, holes in arrays. The error names the path (`metadata.tools[2].when`). Every property is read exactly once, so
 * a getter cannot answer differently to a check and to the encoding. `toJSON` is honoured, as of `Date`.
 *
 * Control characters and lone surrogates become escapes, so the text is valid UTF-8 and holds no raw newline and no NUL.
 */
export function encodeJson(value: unknown, path: string): string {
  return encode(value, { root: path, keys: [], ancestors: [] });
}

/** {@link encodeJson} of what must be an object, also if it has a `toJSON`. */
export function encodeJsonObject(value: object, path: string): string {
  const text = encodeJson(value, path);
  if (text.startsWith('{')) return text;
  throw refused({ root: path, keys: [], ancestors: [] }, 'has a toJSON that answers no object');
}

/** Where in the value the encoding is. Spelled out as a path only where something is refused. */
interface Place {
  readonly root: string;
  /** From the root to here. */
  readonly keys: (string | number)[];
  /** The objects that hold what is here. */
  readonly ancestors: object[];
}

function encode(value: unknown, place: Place): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      return encodeNumber(value, place);
    case 'object':
      return value === null ? 'null' : encodeObject(value, place);
    default:
      throw refused(place, typeof value === 'undefined' ? 'is undefined' : `is a ${typeof value}`);
  }
}

function encodeNumber(value: number, place: Place): string {
  if (!Number.isFinite(value)) throw refused(place, `is ${value}`);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw refused(place, 'is an integer beyond 2^53, which readers would round: send it as a string');
  }
  return Object.is(value, -0) ? '-0' : String(value);
}

function encodeObject(value: object, place: Place): string {
  const { ancestors } = place;
  if (ancestors.includes(value)) throw refused(place, 'refers back to something that holds it (a cycle)');
  if (ancestors.length >= maxJsonDepth) throw refused(place, `is nested deeper than ${maxJsonDepth}`);
  const toJson = read(value, 'toJSON', place);
  ancestors.push(value);
  const text =
    typeof toJson === 'function' ? encode(answer(value, toJson as ToJson, place), place) : encodeData(value, place);
  ancestors.pop();
  return text;
}

type ToJson = (this: object, key: string) => unknown;

/** What the value's `toJSON` answers. */
function answer(value: object, toJson: ToJson, place: Place): unknown {
  if (value instanceof Date && Number.isNaN(value.getTime())) throw refused(place, 'is an invalid date');
  return attempt(() => toJson.call(value, ''), place, 'has a toJSON that throws');
}

function encodeData(value: object, place: Place): string {
  return Array.isArray(value) ? encodeArray(value, place) : encodeRecord(value, place);
}

function encodeArray(values: readonly unknown[], place: Place): string {
  let text = '[';
  for (let index = 0; index < values.length; index++) {
    text += (index === 0 ? '' : ',') + encodeProperty(values, index, place);
  }
  return `${text}]`;
}

function encodeRecord(record: object, place: Place): string {
  const tag = attempt(() => Object.prototype.toString.call(record), place, 'throws when its kind is read');
  if (tag !== '[object Object]') throw refused(place, `is ${tag.slice(8, -1)}, which is not plain data`);
  if (attempt(() => Object.getOwnPropertySymbols(record), place, 'cannot be listed').length > 0) {
    throw refused(place, 'has a symbol as a key');
  }
  let text = '{';
  for (const key of attempt(() => Object.keys(record), place, 'cannot be listed')) {
    text += `${text.length === 1 ? '' : ','}${JSON.stringify(key)}:${encodeProperty(record, key, place)}`;
  }
  return `${text}}`;
}

function encodeProperty(holder: object, key: string | number, place: Place): string {
  place.keys.push(key);
  const text = encode(read(holder, key, place), place);
  place.keys.pop();
  return text;
}

function read(holder: object, key: string | number, place: Place): unknown {
  try {
    return (holder as Record<string | number, unknown>)[key];
  } catch (cause) {
    throw refused(place, 'throws when it is read', cause);
  }
}

function attempt<T>(action: () => T, place: Place, what: string): T {
  try {
    return action();
  } catch (cause) {
    throw refused(place, what, cause);
  }
}

function refused({ root, keys }: Place, what: string, cause?: unknown): IndelibleError {
  const path = (root + keys.map(step).join('')).slice(0, maxPathLength);
  return new IndelibleError('metadata_not_json', { message: `${path} ${what}`, field: path, cause });
}

function step(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, 100))}]`;
}
