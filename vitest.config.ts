import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { entryPoints } from './scripts/entry-points.ts';

const tsInChildren = '--experimental-strip-types';

/**
 * `vitest run` runs test/ but for test/soak; `vitest run --mode soak` runs only that. With TEST_REPORT set, the results
 * are written to that file as JSON as well (.ci/run counts them).
 */
export default defineConfig(({ mode }) => {
  const soak = mode === 'soak';
  const report = process.env['TEST_REPORT'];
  return {
    resolve: { alias: packageNameToSource() },
    test: {
      include: [soak ? 'test/soak/**/*.test.ts' : 'test/**/*.test.ts'],
      exclude: soak ? [] : ['test/soak/**'],
      environment: 'node',
      globalSetup: ['test/postgresOnDemand.ts'],
      pool: 'forks',
      // Tests wait more than they compute: also where there are two processors, two files at once.
      maxWorkers: Math.max(2, availableParallelism() - 1),
      testTimeout: soak ? 30 * 60_000 : 30_000,
      hookTimeout: 30_000,
      teardownTimeout: 10_000,
      // Processes that tests start (kill -9, examples) run TypeScript from src, also on Node 22.15 to 22.17.
      env: { NODE_OPTIONS: childOptions() },
      reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    },
  };
});

/** `import 'indelible/sqlite'` in a test or an example is the source, so that nothing has to be built first. */
function packageNameToSource() {
  return Object.entries(entryPoints()).map(([name, source]) => ({
    find: new RegExp(`^indelible${name.slice(1)}$`),
    replacement: fileURLToPath(new URL(source, import.meta.url)),
  }));
}

function childOptions(): string {
  const given = process.env['NODE_OPTIONS'] ?? '';
  const options = ['--disable-warning=ExperimentalWarning'];
  if (process.allowedNodeEnvironmentFlags.has(tsInChildren)) options.push(tsInChildren);
  return [given, ...options].join(' ').trim();
}
