import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { commandSource, entryPoints } from '../../scripts/entry-points.ts';
import { folders, layerViolations } from './layers.ts';
import { parseSource, readSourceGraph } from './source-graph.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const entries = Object.values(entryPoints());

describe('the source of Indelible', () => {
  it('imports only in the order of the folders, without cycles and barrels', () => {
    const graph = readSourceGraph(root);
    expect(graph.length).toBeGreaterThan(0);
    expect(layerViolations(graph, entries)).toEqual([]);
  });

  it.each([...Object.entries(entryPoints()), ['the command', commandSource()] as const])(
    'has what package.json promises at %s',
    (_name, source) => {
      expect(existsSync(`${root}${source}`), source).toBe(true);
    },
  );
});

describe('the layer check', () => {
  const check = (files: Record<string, string>) =>
    layerViolations(
      Object.entries(files).map(([path, text]) => parseSource(`src/${path}`, text)),
      entries,
    );

  it('is content with every import from an earlier folder', () => {
    for (const [index, folder] of folders.entries()) {
      if (folder === 'resilience' || folder === 'client') continue;
      for (const earlier of folders.slice(0, index)) {
        if (folder === 'feed' && earlier === 'persistence') continue;
        expect(check({ [`${folder}/a.ts`]: `import { b } from '../${earlier}/b.ts';` })).toEqual([]);
      }
    }
  });

  it('catches every import from a later folder', () => {
    for (const [index, folder] of folders.entries()) {
      for (const later of folders.slice(index + 1)) {
        expect(check({ [`${folder}/a.ts`]: `import { b } from '../${later}/b.ts';` })).toHaveLength(1);
      }
    }
  });

  it.each([
    ['a type import', `import type { B } from '../cli/b.ts';`],
    ['a side-effect import', `import '../cli/b.ts';`],
    ['a re-export', `export { b } from '../cli/b.ts'; export const a = 1;`],
    ['a dynamic import', `const b = await import('../cli/b.ts');`],
    ['an import of a type in place', `let b: import('../cli/b.ts').B;`],
  ])('sees %s', (_what, text) => {
    expect(check({ 'server/a.ts': text })).toEqual(['src/server/a.ts:1 imports ../cli/b.ts: server comes before cli']);
  });

  it('is not misled by imports in strings and comments', () => {
    const text = `// import '../cli/b.ts';\nexport const a = "import '../cli/b.ts'";`;
    expect(check({ 'server/a.ts': text })).toEqual([]);
  });

  it('keeps feed and persistence apart', () => {
    expect(check({ 'feed/tail.ts': `import { save } from '../persistence/save.ts';` })).toEqual([
      'src/feed/tail.ts:1 imports ../persistence/save.ts: feed never imports persistence: they meet in the store',
    ]);
    expect(check({ 'persistence/save.ts': `import { tail } from '../feed/tail.ts';` })).toHaveLength(1);
  });

  it('lets the client import only protocol and resilience', () => {
    const imports = (folder: string) => check({ 'client/a.ts': `import { b } from '../${folder}/b.ts';` });
    expect([...imports('protocol'), ...imports('resilience')]).toEqual([]);
    expect(imports('store')).toEqual([
      'src/client/a.ts:1 imports ../store/b.ts: client imports only protocol and resilience',
    ]);
  });

  it('lets the client take nothing from npm or Node, and its hooks only React', () => {
    expect(check({ 'client/react.ts': `import { useRef } from 'react';` })).toEqual([]);
    expect(check({ 'client/a.ts': `import { useRef } from 'react';` })).toHaveLength(1);
    expect(check({ 'client/react.ts': `import WebSocket from 'ws';` })).toHaveLength(1);
    expect(check({ 'client/a.ts': `import { once } from 'node:events';` })).toHaveLength(1);
    expect(check({ 'client/a.ts': `export const n = process.pid;` })).toHaveLength(1);
  });

  it('lets resilience know the error class and no other word of the protocol', () => {
    expect(check({ 'resilience/retry.ts': `import { IndelibleError } from '../protocol/errors.ts';` })).toEqual([]);
    expect(check({ 'resilience/retry.ts': `import { AgentMessage } from '../protocol/message.ts';` })).toHaveLength(1);
  });

  it('keeps the protocol fit for browsers', () => {
    expect(check({ 'protocol/a.ts': `import { z } from 'zod';` })).toEqual([]);
    expect(check({ 'protocol/a.ts': `import { createHash } from 'node:crypto';` })).toHaveLength(1);
    expect(check({ 'protocol/a.ts': `import { createHash } from 'crypto';` })).toHaveLength(1);
    expect(check({ 'protocol/a.ts': `import WebSocket from 'ws';` })).toHaveLength(1);
    expect(check({ 'protocol/a.ts': `export const n = Buffer.byteLength('x');` })).toHaveLength(1);
    expect(check({ 'protocol/a.ts': `export const n = globalThis.process;` })).toHaveLength(1);
    expect(check({ 'protocol/a.ts': `export const n = { process: 1, of: 2 }.process;` })).toEqual([]);
    expect(check({ 'store/a.ts': `import { createHash } from 'node:crypto'; Buffer.from('');` })).toEqual([]);
  });

  it('lets src/index.ts import anything, and nobody import src/index.ts', () => {
    expect(check({ 'index.ts': folders.map((folder) => `export * from './${folder}/a.ts';`).join('\n') })).toEqual([]);
    expect(check({ 'cli/a.ts': `import { b } from '../index.ts';` })).toHaveLength(1);
    expect(check({ 'cli/a.ts': `import { b } from 'indelible';` })).toHaveLength(1);
  });

  it('catches import cycles, of any length, and of types alone', () => {
    expect(
      check({
        'store/a.ts': `import { b } from './b.ts';`,
        'store/b.ts': `import type { C } from './c.ts';`,
        'store/c.ts': `export { a } from './a.ts'; export const c = 1;`,
        'store/d.ts': `import { a } from './a.ts';`,
      }),
    ).toEqual(['import cycle: src/store/a.ts → src/store/b.ts → src/store/c.ts → src/store/a.ts']);
    expect(check({ 'store/self.ts': `import { a } from './self.ts';` })).toHaveLength(1);
  });

  it('catches barrels, whatever their name', () => {
    expect(check({ 'store/index.ts': `export const a = 1;` })).toHaveLength(1);
    expect(check({ 'store/everything.ts': `export * from './a.ts'; export { b } from './b.ts';` })).toHaveLength(1);
    expect(check({ 'store/sqlite/index.ts': `export { a } from './a.ts';` })).toEqual([]);
  });

  it('catches names that say nothing, and files in no folder', () => {
    expect(check({ 'store/utils.ts': `export const a = 1;` })).toHaveLength(1);
    expect(check({ 'store/helpers/a.ts': `export const a = 1;` })).toHaveLength(1);
    expect(check({ 'store/types.ts': `export const a = 1;` })).toHaveLength(1);
    expect(check({ 'misc/a.ts': `export const a = 1;` })).toHaveLength(1);
    expect(check({ 'main.ts': `export const a = 1;` })).toHaveLength(1);
  });
});
