import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { mutations } from './mutations.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, root)), 'utf8');

describe('The list of mutations, which `npm run test:mutations` tries', () => {
  it.each(mutations)('names a place that is there exactly once: $breaks', ({ file, find, replace }) => {
    expect(read(file).split(find)).toHaveLength(2);
    expect(replace).not.toBe(find);
  });

  it.each(mutations)('names a property that is there: $property ($breaks)', ({ property, test }) => {
    expect(existsSync(new URL(`test/properties/${test}`, root))).toBe(true);
    expect(read(`test/properties/${test}`)).toContain(property);
  });

  it('has one for each of the eight properties and each secondary one', () => {
    const properties = new Set(mutations.map(({ property }) => property));
    for (let number = 1; number <= 8; number++) {
      expect([...properties].some((property) => property.startsWith(`Property ${number}:`))).toBe(true);
    }
    expect(properties).toContain('Concurrent safety');
    expect(properties).toContain('Execution resilience');
    expect(properties).toContain('Error recovery and retry');
    expect(properties).toContain('Monitoring');
  });

  it('is told in docs/properties.md, mutation by mutation', () => {
    const page = read('docs/properties.md');
    expect(mutations.filter(({ breaks }) => !page.includes(breaks))).toEqual([]);
  });
});
