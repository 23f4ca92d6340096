import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pythonRepr } from '../../src/protocol/pythonRepr.ts';

/** A Python string literal, read as Python reads it. */
function literalValue(literal: string): string {
  const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t' };
  return literal
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(.))/gs, (_all, x, u, other) =>
      other === undefined ? String.fromCharCode(Number.parseInt(x ?? u, 16)) : (escapes[other] ?? other),
    );
}

describe('text as Python writes a string', () => {
  it.each([
    ['', "''"],
    ['plain', "'plain'"],
    ["it's", `"it's"`],
    ['say "yes"', `'say "yes"'`],
    [`it's "so"`, `'it\\'s "so"'`],
    ['two\nlines\r\n\tindented', "'two\\nlines\\r\\n\\tindented'"],
    ['C:\\new', "'C:\\\\new'"],
    ['\u0000\u001f\u007f\u0085', "'\\x00\\x1f\\x7f\\x85'"],
    ['\ud800 and 🙂', "'\\ud800 and 🙂'"],
  ])('%j is %s', (text, repr) => {
    expect(pythonRepr(text)).toBe(repr);
  });

  it('is read as the text again, and ends where the web app sees its end', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom("'", '"', '\\', '\n', 'n', ' ') }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const repr = pythonRepr(text);
        expect(literalValue(repr)).toBe(text);
        // How the web app finds the question.
        const found = /question=(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'), request_id/.exec(
          `question=${repr}, request_id`,
        );
        expect(found?.[1] ?? found?.[2]).toBe(repr.slice(1, -1));
      }),
    );
  });
});
