import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leadingStrings, PostgresMessageReader } from '../../src/testing/proxy/postgresMessages.ts';

function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type, 'latin1'), length, body]);
}

const letters = fc.constantFrom('P', 'B', 'E', 'S', 'Q', 'Z', 'C');
const messages = fc.array(fc.tuple(letters, fc.uint8Array({ maxLength: 40 })), { maxLength: 12 });

describe('Messages of PostgreSQL', () => {
  it('are the same however the network cuts them', () => {
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (sent, sizes) => {
        const whole = Buffer.concat([
          message('', Buffer.from('start')),
          ...sent.map(([type, body]) => message(type, Buffer.from(body))),
        ]);
        const reader = new PostgresMessageReader();
        const read: [string, number[]][] = [];
        const forwarded: Buffer[] = [];
        for (let at = 0, turn = 0; at < whole.length; turn++) {
          const size = sizes[turn % sizes.length] as number;
          reader.add(whole.subarray(at, at + size));
          at += size;
          for (let next = reader.next(read.length === 0); next; next = reader.next(read.length === 0)) {
            read.push([next.type, [...next.body]]);
            forwarded.push(next.bytes);
          }
        }
        expect(read).toEqual([['', [...Buffer.from('start')]], ...sent.map(([type, body]) => [type, [...body]])]);
        expect(Buffer.concat(forwarded).equals(whole)).toBe(true);
        expect(reader.rest().length).toBe(0);
      }),
    );
  });

  it('begin with strings that end at a zero byte', () => {
    const body = Buffer.concat([Buffer.from('name\0SELECT ü\0'), Buffer.from([1, 0, 0])]);
    expect(leadingStrings(body, 2)).toEqual(['name', 'SELECT ü']);
    expect(leadingStrings(Buffer.from('not ended'), 1)).toEqual([]);
  });
});
