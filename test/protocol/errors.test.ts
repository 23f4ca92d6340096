import { type ErrorCode, errorTable, IndelibleError } from 'indelible/protocol';
import { describe, expect, it } from 'vitest';

const codes = Object.keys(errorTable) as ErrorCode[];

describe('an error', () => {
  it.each(codes)('%s has a sentence, a remedy and an HTTP status', (code) => {
    const error = new IndelibleError(code);
    expect(error.code).toBe(code);
    expect(error.message).toBe(errorTable[code].summary);
    expect(error.remedy).toMatch(/[.!]$/);
    // 202: not done, and nothing is wrong.
    expect(error.status === 202 || error.status >= 400).toBe(true);
    expect(error.status).toBeLessThan(600);
    expect(error).toBeInstanceOf(Error);
  });

  it('has the message, the field and the cause of this time', () => {
    const cause = new TypeError('x');
    const error = new IndelibleError('invalid_message', { message: 'content is missing', field: 'content', cause });
    expect(error).toMatchObject({ name: 'IndelibleError', message: 'content is missing', field: 'content', cause });
  });

  it('has no cause where there is none', () => {
    expect('cause' in new IndelibleError('invalid_id')).toBe(false);
  });

  it('is known by its code, also where it comes from another copy of this package', () => {
    const foreign = Object.assign(new Error('x'), { name: 'IndelibleError', code: 'store_refused' });
    expect(IndelibleError.is(foreign)).toBe(true);
    expect(IndelibleError.is(foreign, 'store_refused')).toBe(true);
    expect(IndelibleError.is(foreign, 'store_unavailable')).toBe(false);
  });

  it.each([
    [undefined],
    [null],
    ['store_refused'],
    [{ name: 'IndelibleError', code: 'store_refused' }],
    [new Error('x')],
    [Object.assign(new Error('x'), { code: 'store_refused' })],
    [Object.assign(new Error('x'), { name: 'IndelibleError', code: 'toString' })],
    [Object.assign(new Error('x'), { name: 'IndelibleError' })],
  ])('is not mistaken for %j', (other) => {
    expect(IndelibleError.is(other)).toBe(false);
  });
});
