import { readFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);

/**
 * The package's entry points, read from `exports` of package.json, which alone says what they are:
 * `{ '.': 'src/index.ts', './sqlite': 'src/store/sqlite/index.ts', … }`. The build, the tests' aliases and the layer
 * check all ask here. Source and output have the same shape: `dist/a/b.js` is built from `src/a/b.ts`.
 */
export function entryPoints(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, target] of Object.entries(readPackage().exports)) {
    if (typeof target === 'object') found[name] = sourceOf(target.default);
  }
  return found;
}

/** The source of the command `indelible`. */
export function commandSource(): string {
  return sourceOf(readPackage().bin.indelible);
}

interface PackageFile {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  readonly bin: { readonly indelible: string };
}

function readPackage(): PackageFile {
  return JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
}

function sourceOf(output: string): string {
  return output
    .replace(/^\.\//, '')
    .replace(/^dist\//, 'src/')
    .replace(/\.js$/, '.ts');
}
