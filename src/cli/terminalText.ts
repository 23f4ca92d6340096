import { styleText } from 'node:util';

/**
 * Text of others, made safe for a terminal. Escapes and control characters become visible signs, as do the marks that
 * reverse the direction of what follows: a message can neither move the cursor, nor recolour, nor pass for another line.
 */
export function onOneLine(text: string): string {
  return text.toWellFormed().replace(unsafe, visible);
}

/** JSON text made safe in the same way: what a terminal would obey is escaped, and the value is the same. */
export function safeJson(json: string): string {
  return json.replace(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** As {@link onOneLine}, but its line breaks break lines, and its tabs are blanks. */
export function inLines(text: string): string[] {
  return text.split(/\r\n|\n/).map((line) => onOneLine(line.replaceAll('\t', '  ')));
}

/** The beginning of a text, its white space folded, in at most `width` columns. */
export function inColumns(text: string, width: number): string {
  const folded = onOneLine(text.replace(/\s+/g, ' ').trim());
  if (columns(folded) <= width) return folded;
  let kept = '';
  let used = 0;
  for (const { segment } of graphemes.segment(folded)) {
    used += columns(segment);
    if (used > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** How many columns of a terminal a text takes. */
export function columns(text: string): number {
  let count = 0;
  for (const { segment } of graphemes.segment(text)) count += wide.test(segment) ? 2 : 1;
  return count;
}

/** Filled with blanks to `width` columns. */
export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columns(text)));
}

export type Format = Parameters<typeof styleText>[0];

/** Colours for one stream: none where it is no terminal, or where `NO_COLOR` says so. */
export type Paint = (format: Format, text: string) => string;

export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (format, text) => styleText(format, text, { stream });
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;
// C0 and C1 controls, line and paragraph separators, marks that embed, override or isolate a direction.
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const unsafe = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

function visible(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `\\u${code.toString(16).padStart(4, '0')}`;
}
