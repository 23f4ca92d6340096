import { describe, expect, it } from 'vitest';
import { columns, inColumns, inLines, onOneLine, padded } from '../../src/cli/terminalText.ts';

describe('text of others in a terminal', () => {
  it('shows every control character as a sign, so that none can move the cursor', () => {
    const controls = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).join('');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
    expect(onOneLine(controls)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(onOneLine('\u0000\n\u001b[2J\u007f\u009b')).toBe('␀␊␛[2J␡\\u009b');
  });

  it('shows marks that reverse the direction, and keeps the letters of languages that are written so', () => {
    expect(onOneLine('\u202eabc\u2066\u2028')).toBe('\\u202eabc\\u2066\\u2028');
    expect(onOneLine('שלום é 🙂')).toBe('שלום é 🙂');
  });

  it('breaks lines where the text does, and nowhere else', () => {
    expect(inLines('a\r\nb\n\n\tc\rd\u2028e')).toEqual(['a', 'b', '', '  c␍d\\u2028e']);
  });

  it('cuts a text to columns, counting wide characters as two, and cuts none of them in half', () => {
    expect(columns('é👩‍👩‍👧漢')).toBe(5);
    expect(inColumns('one  two\nthree', 40)).toBe('one two three');
    expect(inColumns('漢字漢字', 5)).toBe('漢字…');
    expect(inColumns('👩‍👩‍👧👩‍👩‍👧', 3)).toBe('👩‍👩‍👧…');
    expect(padded('漢', 4)).toBe('漢  ');
  });
});
