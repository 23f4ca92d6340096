const named: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
/** Control characters and halves of surrogate pairs. */
const unquotable = /[\\\p{Cc}\p{Cs}]/gu;

/**
 * Text as Python writes a string: in single quotes, or in double quotes if it holds single ones and no double ones.
 * Whatever can be read is left as it is; Python itself also escapes invisible characters, which reads the same.
 */
export function pythonRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(unquotable, escapeOf);
  return `${quote}${quote === "'" ? escaped.replaceAll("'", "\\'") : escaped}${quote}`;
}

function escapeOf(character: string): string {
  const code = character.charCodeAt(0);
  const numbered = code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, '0')}`;
  return named[character] ?? numbered;
}
