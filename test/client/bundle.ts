import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';
import { entryPoints } from '../../scripts/entry-points.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Bundle {
  readonly code: string;
  /** Below the repository. */
  readonly modules: readonly string[];
}

/** One file with everything that `entry` (below the repository) imports, minified, as a page would load it. */
export async function bundleForBrowsers(entry: string, external: readonly string[] = []): Promise<Bundle> {
  const outDir = mkdtempSync(join(tmpdir(), 'indelible-bundle-'));
  const modules: string[] = [];
  try {
    await build({
      config: false,
      entry: { page: join(root, entry) },
      outDir,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      minify: true,
      dts: false,
      logLevel: 'silent',
      tsconfig: false,
      alias: Object.fromEntries(
        Object.entries(entryPoints()).map(([name, source]) => [`indelible${name.slice(1)}`, join(root, source)]),
      ),
      external: [...external],
      noExternal: (id) => !external.includes(id),
      define: { 'process.env.NODE_ENV': '"development"' },
      outputOptions: { codeSplitting: false },
      plugins: [
        {
          name: 'modules',
          generateBundle(_options, output) {
            for (const chunk of Object.values(output)) {
              if (chunk.type === 'chunk') modules.push(...Object.keys(chunk.modules).map((id) => relative(root, id)));
            }
          },
        },
      ],
    });
    return { code: readFileSync(join(outDir, 'page.js'), 'utf8'), modules };
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}
