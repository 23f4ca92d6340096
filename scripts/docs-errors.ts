/** `npm run docs:errors` writes docs/errors.md from the error table. A test holds the two together. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ErrorEntry, errorTable } from '../src/protocol/errors.ts';

/** The whole text of docs/errors.md. */
export function errorsPage(table: Readonly<Record<string, ErrorEntry>>): string {
  const entries = Object.entries(table).map(
    ([code, { status, summary, remedy }]) =>
      `## ${code}\n\n${summary}\n\nHTTP status: ${status}\n\nRemedy: ${remedy}\n`,
  );
  return `${[introduction, ...entries].join('\n')}`;
}

const introduction = `# Errors

Every error that Indelible gives has one of these codes; branch on the code, never on the text. In code it is
\`error.code\` of an \`IndelibleError\`. With each comes a remedy.

<!-- Written by \`npm run docs:errors\` from src/protocol/errors.ts: change that. -->
`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('../docs/errors.md', import.meta.url), errorsPage(errorTable));
}
