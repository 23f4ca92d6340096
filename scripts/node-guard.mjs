/**
 * Runs before `npm start`, `npm test` and the like, on whatever `node` npm found: the repository's own Node 24
 * (node_modules/.bin/node, put there by the package `node`), else the machine's. Says what is wrong in words where the
 * product itself could only fail with a syntax error or a missing module. Must parse on Node 18.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const needed = { major: 22, minor: 15 };

/**
 * What to tell, or `undefined` if all is well.
 *
 * @param {{ version: string, installed: boolean, nodeBrought: boolean }} here `version` of the running Node without
 *   `v`; `installed`: node_modules is there; `nodeBrought`: so is the repository's own Node.
 * @returns {string | undefined}
 */
export function nodeProblem(here) {
  if (!here.installed) return 'Indelible: the dependencies are not installed.\nRemedy: npm ci';
  const [major = 0, minor = 0] = here.version.split('.').map(Number);
  if (major > needed.major || (major === needed.major && minor >= needed.minor)) return undefined;
  const lines = [`Indelible needs Node ${needed.major}.${needed.minor} or newer; this is Node ${here.version}.`];
  if (here.nodeBrought) {
    lines.push('This repository has its own Node 24 in node_modules/.bin, which the command did not use.');
    lines.push('Remedy: start through npm (npm start, npm test, npm run …).');
  } else {
    lines.push('This repository brings its own Node 24, but the install skipped scripts, so it is not there.');
    lines.push('Remedy: npm rebuild node --ignore-scripts=false    (or use Node 22.15 or newer)');
  }
  return lines.join('\n');
}

/** @param {string} path */
function inRepository(path) {
  return existsSync(fileURLToPath(new URL(`../${path}`, import.meta.url)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = nodeProblem({
    version: process.versions.node,
    installed: inRepository('node_modules/.package-lock.json'),
    nodeBrought: inRepository('node_modules/node/bin/node') || inRepository('node_modules/node/bin/node.exe'),
  });
  if (problem !== undefined) {
    process.stderr.write(`\n${problem}\n\n`);
    process.exitCode = 1;
  }
}
