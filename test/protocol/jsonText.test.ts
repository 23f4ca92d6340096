import { fc, test } from '@fast-check/vitest';
import { encodeJson, IndelibleError } from 'indelible/protocol';
import { describe, expect, it } from 'vitest';
import { anyJson } from './anyJson.ts';

describe('encodeJson says the same as JSON.stringify', () => {
  test.prop([anyJson])('of any JSON value', (value) => {
    const text = encodeJson(value, 'metadata');
    expect(text).toBe(JSON.stringify(value));
  });

  test.prop([fc.string({ unit: 'binary', maxLength: 30 }), fc.string({ unit: 'grapheme', maxLength: 30 })])(
    'of any string, as value and as key',
    (one, other) => {
      const value = JSON.parse(JSON.stringify({ [one]: other, [other]: [one] }));
      expect(encodeJson(value, 'metadata')).toBe(JSON.stringify(value));
    },
  );

  it.each<[string, unknown]>([
    ['a date', new Date(0)],
    ['a date inside', { when: [new Date(1e12)] }],
    ['an object with toJSON', { a: { toJSON: () => ({ b: [1] }) } }],
    ['a URL', { url: new URL('http://example.com/') }],
    ['a buffer', { bytes: Buffer.from('ab') }],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    [
      'an instance of a class',
      new (class Point {
        x = 1;
        y = [2];
      })(),
    ],
    ['the same object twice, side by side', ((shared) => ({ a: shared, b: [shared, shared] }))({ c: 1 })],
    ['the largest safe integers', [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]],
    ['fractions', [0.1, -1.5, 1e-7, Number.MIN_VALUE, 123456.789]],
    ['nothing', [{}, [], '', null]],
  ])('of %s', (_what, value) => {
    expect(encodeJson(value, 'metadata')).toBe(JSON.stringify(value));
  });

  it('but keeps the sign of zero', () => {
    expect(Object.is(JSON.parse(encodeJson(-0, 'metadata')), -0)).toBe(true);
  });

  it('of a string with NUL and lone surrogates, as escapes: the text holds no control character and is well formed', () => {
    const text = encodeJson({ 'k\u0000\ud800': 'v\u001f\udfff\n' }, 'metadata');
    expect(text.isWellFormed()).toBe(true);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is the point
    expect(text).not.toMatch(/[\u0000-\u001f]/);
    expect(JSON.parse(text)).toEqual({ 'k\u0000\ud800': 'v\u001f\udfff\n' });
  });
});

describe('encodeJson refuses, with the path,', () => {
  const cyclic: Record<string, unknown> = { list: [] };
  (cyclic['list'] as unknown[]).push({ back: cyclic });
  const selfReturning = { toJSON: (): unknown => ({ again: selfReturning }) };
  const thrown = new Error('from the getter');

  it.each<[string, unknown, string, RegExp]>([
    ['undefined', { a: undefined }, 'metadata.a', /is undefined/],
    ['undefined in an array', { a: [1, undefined] }, 'metadata.a[1]', /is undefined/],
    ['a hole in an array', { a: Object.assign(new Array(3), { 0: 1, 2: 3 }) }, 'metadata.a[1]', /is undefined/],
    ['a function', { a: { b: () => 1 } }, 'metadata.a.b', /is a function/],
    [
      'a method of a class',
      {
        a: new (class {
          run = () => 1;
        })(),
      },
      'metadata.a.run',
      /is a function/,
    ],
    ['a symbol', { a: Symbol('s') }, 'metadata.a', /is a symbol/],
    ['a BigInt', { a: 1n }, 'metadata.a', /is a bigint/],
    ['NaN', { a: [{ b: Number.NaN }] }, 'metadata.a[0].b', /is NaN/],
    ['Infinity', { a: Number.POSITIVE_INFINITY }, 'metadata.a', /is Infinity/],
    ['minus Infinity', { a: Number.NEGATIVE_INFINITY }, 'metadata.a', /is -Infinity/],
    ['an integer over 2^53', { id: 2 ** 53 }, 'metadata.id', /beyond 2\^53/],
    ['an integer under -2^53', { id: -(2 ** 53) }, 'metadata.id', /beyond 2\^53/],
    ['an invalid date', { a: { when: new Date(Number.NaN) } }, 'metadata.a.when', /invalid date/],
    ['a cycle', cyclic, 'metadata.list[0].back', /cycle/],
    ['a cycle by toJSON', { a: selfReturning }, 'metadata.a.again', /cycle/],
    ['a map', { a: new Map() }, 'metadata.a', /is Map/],
    ['a set', { a: new Set() }, 'metadata.a', /is Set/],
    ['an error', { a: new Error('x') }, 'metadata.a', /is Error/],
    ['a regular expression', { a: /x/ }, 'metadata.a', /is RegExp/],
    ['a promise', { a: Promise.resolve() }, 'metadata.a', /is Promise/],
    ['typed arrays', { a: new Uint8Array(1) }, 'metadata.a', /is Uint8Array/],
    ['a number object', { a: Object(1) }, 'metadata.a', /is Number/],
    [
      'a toJSON that throws',
      {
        a: {
          toJSON() {
            throw thrown;
          },
        },
      },
      'metadata.a',
      /toJSON that throws/,
    ],
    ['a toJSON that answers undefined', { a: { toJSON: () => undefined } }, 'metadata.a', /is undefined/],
    [
      'a getter that throws',
      {
        a: {
          get b() {
            throw thrown;
          },
        },
      },
      'metadata.a.b',
      /throws when it is read/,
    ],
    [
      'a getter of toJSON that throws',
      {
        a: {
          get toJSON() {
            throw thrown;
          },
        },
      },
      'metadata.a',
      /throws when it is read/,
    ],
    [
      'a tag that throws',
      {
        a: {
          get [Symbol.toStringTag]() {
            throw thrown;
          },
        },
      },
      'metadata.a',
      /throws/,
    ],
    [
      'a proxy that cannot be listed',
      {
        a: new Proxy(
          {},
          {
            ownKeys() {
              throw thrown;
            },
          },
        ),
      },
      'metadata.a',
      /cannot be listed/,
    ],
    ['a revoked proxy', { a: revokedProxy() }, 'metadata.a', /throws/],
    ['a key that is no name', { 'a b': { '': Number.NaN } }, 'metadata["a b"][""]', /is NaN/],
    ['a key of quotes and newlines', { 'a"\n': 1n }, 'metadata["a\\"\\n"]', /is a bigint/],
    ['the key __proto__', JSON.parse('{"__proto__":{"n":9007199254740993}}'), 'metadata.__proto__.n', /beyond 2\^53/],
  ])('%s', (_what, value, field, message) => {
    const error = refusalOf(value);
    expect(error.code).toBe('metadata_not_json');
    expect(error.field).toBe(field);
    expect(error.message).toMatch(message);
    expect(error.message).toContain(field);
  });

  it('nesting of 5,000, in arrays and objects, without a stack overflow and without a path of that length', () => {
    for (const nest of [(inner: unknown) => [inner], (inner: unknown) => ({ deeper: inner })]) {
      let value: unknown = 1;
      for (let depth = 0; depth < 5_000; depth++) value = nest(value);
      const error = refusalOf(value);
      expect(error.code).toBe('metadata_not_json');
      expect(error.message.length).toBeLessThan(1_000);
      expect(error.message).toMatch(/nested deeper than 200/);
    }
  });

  it('toJSON that never ends', () => {
    const endless = (): unknown => ({ toJSON: endless });
    expect(refusalOf({ a: endless() }).message).toMatch(/nested deeper than 200/);
  });

  it('what throws, with what was thrown as the cause', () => {
    expect(
      refusalOf({
        get a() {
          throw thrown;
        },
      }).cause,
    ).toBe(thrown);
  });
});

describe('encodeJson', () => {
  it('accepts a nesting of 190', () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 190; depth++) value = [value];
    expect(encodeJson(value, 'metadata')).toBe(JSON.stringify(value));
  });

  it('reads each property once, so that a getter cannot answer differently to the check and to the encoding', () => {
    let reads = 0;
    const value = {
      get a() {
        return ++reads === 1 ? 'first' : Number.NaN;
      },
    };
    expect(encodeJson(value, 'metadata')).toBe('{"a":"first"}');
    expect(reads).toBe(1);
  });

  it('keeps an own key __proto__ as data, and no prototype is touched', () => {
    const value = JSON.parse('{"__proto__":{"x":1},"constructor":{"prototype":{"y":2}}}');
    const again = JSON.parse(encodeJson(value, 'metadata'));
    expect(Object.keys(again)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    expect(({} as Record<string, unknown>)['y']).toBeUndefined();
  });
});

function refusalOf(value: unknown): IndelibleError {
  try {
    encodeJson(value, 'metadata');
  } catch (error) {
    if (IndelibleError.is(error)) return error;
    throw error;
  }
  throw new Error('was not refused');
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
