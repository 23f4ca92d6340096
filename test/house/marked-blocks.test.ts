import { describe, expect, it } from 'vitest';
import { markedBlocks, missingLine } from '../../scripts/marked-blocks.ts';

const page = `
# Title

\`\`\`sh
not marked
\`\`\`

<!-- quick-start -->

\`\`\`sh
npm install indelible
npx indelible --version
\`\`\`

<!-- quick-start file=agents/team.ts -->
\`\`\`ts
export const a = 1;
\`\`\`

<!-- quick-start background -->
\`\`\`sh
npx indelible serve
\`\`\`

<!-- quick-start output -->
\`\`\`\`text
\`\`\`
inner
\`\`\`\`
`;

describe('the marked blocks of a page', () => {
  it('are found in their order, with their line and kind, and no others', () => {
    expect(markedBlocks(page)).toEqual([
      { line: 8, kind: 'run', text: 'npm install indelible\nnpx indelible --version\n' },
      { line: 15, kind: 'file', file: 'agents/team.ts', text: 'export const a = 1;\n' },
      { line: 20, kind: 'background', text: 'npx indelible serve\n' },
      { line: 25, kind: 'output', text: '```\ninner\n' },
    ]);
  });

  it.each([
    ['an unknown word', '<!-- quick-start backgroud -->\n```sh\na\n```'],
    ['a file outside the project', '<!-- quick-start file=../a.ts -->\n```sh\na\n```'],
    ['a mark without a block', '<!-- quick-start -->\nSome text.\n'],
    ['a block without an end', '<!-- quick-start -->\n```sh\na\n'],
  ])('may not have %s', (_what, text) => {
    expect(() => markedBlocks(text)).toThrow(/^line 1: /);
  });
});

describe('expected output', () => {
  it('is found among other lines, in its order, whatever … stands for', () => {
    const output = 'start\n  1 message in 12 ms\nnoise\nread back (1)\n';
    expect(missingLine('1 message in … ms\n…\nread back (1)\n', output)).toBeUndefined();
    expect(missingLine('read back (1)\n1 message in … ms\n', output)).toBe('1 message in … ms');
    expect(missingLine('2 messages in … ms\n', output)).toBe('2 messages in … ms');
  });
});
