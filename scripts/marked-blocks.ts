/**
 * The fenced blocks of a Markdown page that are to be run, so that what readers copy is known to work. A block counts
 * if a comment right above it says so:
 *
 *     <!-- quick-start -->                 shell commands: run to their end, must succeed
 *     <!-- quick-start background -->      a server: started, and waited for until its port answers
 *     <!-- quick-start file=agent.ts -->   a file of the project: written
 *     <!-- quick-start output -->          what the commands before print: these lines, in this order; `…` is anything
 *
 * (The indentation above is only this comment's.) A comment with any other word, or without a block, is an error.
 */
export type MarkedBlock = { readonly line: number; readonly text: string } & (
  | { readonly kind: 'run' | 'background' | 'output' }
  | { readonly kind: 'file'; readonly file: string }
);

export function markedBlocks(page: string): MarkedBlock[] {
  const lines = page.split('\n');
  const blocks: MarkedBlock[] = [];
  for (let at = 0; at < lines.length; at++) {
    const mark = /^<!-- quick-start(.*)-->\s*$/.exec(lines[at] ?? '');
    if (mark === null) continue;
    const line = at + 1;
    let start = at + 1;
    while (lines[start]?.trim() === '') start++;
    const fence = /^(`{3,})/.exec(lines[start] ?? '')?.[1];
    const end = fence === undefined ? -1 : lines.indexOf(fence, start + 1);
    if (end < 0) throw new Error(`line ${line}: no fenced block follows the mark`);
    const text = `${lines.slice(start + 1, end).join('\n')}\n`;
    blocks.push({ line, text, ...kindOf(mark[1] ?? '', line) });
    at = end;
  }
  return blocks;
}

function kindOf(
  words: string,
  line: number,
): { kind: 'run' | 'background' | 'output' } | { kind: 'file'; file: string } {
  const word = words.trim();
  if (word === '') return { kind: 'run' };
  if (word === 'background' || word === 'output') return { kind: word };
  const file = /^file=([\w.-]+(?:\/[\w.-]+)*)$/.exec(word)?.[1];
  if (file !== undefined && !file.split('/').includes('..')) return { kind: 'file', file };
  throw new Error(`line ${line}: "quick-start ${word}" is no mark`);
}

/**
 * The first line of `expected` that `output` does not hold in its place, or `undefined` if all are there. Other lines
 * may stand between; blanks at the ends do not count.
 */
export function missingLine(expected: string, output: string): string | undefined {
  const printed = output.split('\n').map((line) => line.trim());
  let from = 0;
  for (const line of expected.split('\n')) {
    const wanted = line.trim();
    if (wanted === '' || wanted === '…') continue;
    const pattern = new RegExp(`^${wanted.split('…').map(literally).join('.*')}$`);
    const found = printed.findIndex((candidate, index) => index >= from && pattern.test(candidate));
    if (found < 0) return wanted;
    from = found + 1;
  }
  return undefined;
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
