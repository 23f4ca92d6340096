import { readFileSync } from 'node:fs';

/** The version in package.json, which lies two folders up from here and from where this is built to. */
export function packageVersion(): string {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}
