import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorsPage } from '../../scripts/docs-errors.ts';
import { errorTable } from '../../src/protocol/errors.ts';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

describe('docs/errors.md', () => {
  it('has every code of the error table, and no other', () => {
    const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, code]) => code);
    expect(headings).toEqual(Object.keys(errorTable));
  });

  it('says of each exactly what the table says (npm run docs:errors writes it anew)', () => {
    expect(page).toBe(errorsPage(errorTable));
  });

  it('would not be the same page with one word or one code changed', () => {
    const { invalid_message, ...others } = errorTable;
    expect(errorsPage(others)).not.toBe(page);
    expect(errorsPage({ ...others, invalid_message: { ...invalid_message, remedy: 'Other.' } })).not.toBe(page);
  });
});

describe('the error table', () => {
  it.each(Object.entries(errorTable))('gives %s a status, a summary and a remedy, as sentences', (code, entry) => {
    expect(code).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
    // 202: not done, and nothing is wrong.
    expect(entry.status === 202 || (entry.status >= 400 && entry.status < 600)).toBe(true);
    expect(entry.summary).toMatch(/[.`]$/);
    expect(entry.remedy).toMatch(/[.`]$/);
  });
});
