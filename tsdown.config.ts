import { defineConfig } from 'tsdown';
import { commandSource, entryPoints } from './scripts/entry-points.ts';

/** File by file (`unbundle`), so that the entry points share their modules: one error class, one table, one store. */
export default defineConfig({
  entry: [...Object.values(entryPoints()), commandSource()],
  root: 'src',
  unbundle: true,
  format: 'esm',
  fixedExtension: false,
  platform: 'node',
  target: 'node22.15',
  dts: true,
  clean: true,
});
