import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ClientError, clientRemedies } from '../../src/client/clientError.ts';
import { errorTable, IndelibleError } from '../../src/protocol/errors.ts';
import { bundleForBrowsers } from './bundle.ts';

describe('What a page loads', () => {
  it('is at most 10 kB for the client, zipped, and none of it from npm or Node', async () => {
    const { code, modules } = await bundleForBrowsers('src/client/index.ts');
    expect(gzipSync(code).length).toBeLessThanOrEqual(10_000);
    expect(modules).not.toEqual([]);
    expect(modules.filter((path) => !/^src\/(client|protocol|resilience)\//.test(path))).toEqual([]);
    expect(code).not.toMatch(/\bfrom ?["']|\bimport ?\(|\brequire\(|\bprocess\./);
  });

  it('is at most 2 kB for the hooks, and nothing from npm but React', async () => {
    const { code, modules } = await bundleForBrowsers('src/client/react.ts', ['react']);
    expect(gzipSync(code).length).toBeLessThanOrEqual(2_000);
    expect(modules.filter((path) => !path.startsWith('src/client/'))).toEqual([]);
    expect([...code.matchAll(/from ?["']([^"']+)["']/g)].map(([, name]) => name)).toEqual(['react']);
  });
});

describe('An error of the client', () => {
  it('tells to do what the table of errors does, and is known as one of this package', () => {
    for (const [code, remedy] of Object.entries(clientRemedies)) {
      expect(remedy).toBe(errorTable[code as keyof typeof clientRemedies].remedy);
      expect(IndelibleError.is(new ClientError(code, 'what happened'), code as keyof typeof clientRemedies)).toBe(true);
    }
  });
});
