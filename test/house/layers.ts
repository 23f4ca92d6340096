import { posix } from 'node:path';
import type { Import, SourceNode } from './source-graph.ts';

/** The folders of src/ in the order a message passes them. A file imports only from its own folder and those before. */
export const folders = [
  'protocol',
  'resilience',
  'observe',
  'store',
  'persistence',
  'feed',
  'agents',
  'runs',
  'server',
  'client',
  'testing',
  'cli',
] as const;

/** What protocol may take from npm: it runs in browsers too. */
const packagesOfProtocol = ['zod', 'uuid'];
/** The only file of the client that may take something from npm, and what: pages load the rest with nothing else. */
const hooks = { path: 'src/client/react.ts', packages: ['react'] };
const errorClass = 'src/protocol/errors.ts';
const dumpingGround = /^(utils?|helpers?|commons?|types?)$/i;

/**
 * Everything in which the files go against the order of the folders, one sentence each; empty if nothing does.
 * `entryPoints` are the sources that package.json exports: the only files that may be barrels.
 */
export function layerViolations(graph: readonly SourceNode[], entryPoints: readonly string[]): string[] {
  return [
    ...graph.flatMap((file) => [...placeViolations(file, entryPoints), ...importViolations(file)]),
    ...cycles(graph).map((cycle) => `import cycle: ${cycle.join(' → ')}`),
  ];
}

function placeViolations(file: SourceNode, entryPoints: readonly string[]): string[] {
  const found: string[] = [];
  const parts = file.path.split('/').slice(1);
  const isEntry = entryPoints.includes(file.path);
  const name = posix.basename(file.path).replace(/\..*$/, '');
  if (parts.length === 1 ? parts[0] !== 'index.ts' : !isFolder(parts[0])) {
    found.push(`${file.path} is in none of the folders ${folders.join(', ')}`);
  }
  if (!isEntry && name === 'index') found.push(`${file.path} is an index, but no entry point of package.json`);
  if (!isEntry && name !== 'index' && file.onlyReexports) found.push(`${file.path} only re-exports: it is a barrel`);
  for (const part of [...parts.slice(0, -1), name]) {
    if (dumpingGround.test(part)) found.push(`${file.path}: "${part}" names no concept`);
  }
  const isForBrowsers = ['protocol', 'client'].includes(folderOf(file.path) ?? '');
  if (isForBrowsers && file.nodeGlobals.length > 0) {
    found.push(`${file.path} uses ${file.nodeGlobals.join(', ')}, which browsers do not have`);
  }
  return found;
}

function importViolations(file: SourceNode): string[] {
  return file.imports.flatMap((wanted) => {
    const reason = whyForbidden(file.path, wanted);
    return reason === undefined ? [] : [`${file.path}:${wanted.line} imports ${wanted.specifier}: ${reason}`];
  });
}

function whyForbidden(path: string, { target }: Import): string | undefined {
  const from = folderOf(path);
  if (target.kind === 'package' && target.name === 'indelible') return 'inside the package, import the file itself';
  if (from === 'protocol' && target.kind === 'builtin') return 'protocol runs in a browser';
  if (from === 'protocol' && target.kind === 'package' && !packagesOfProtocol.includes(target.name)) {
    return `protocol takes nothing from npm but ${packagesOfProtocol.join(', ')}`;
  }
  if (from === 'client' && target.kind === 'builtin') return 'client runs in a browser';
  if (from === 'client' && target.kind === 'package') {
    const isHooks = path === hooks.path && hooks.packages.includes(target.name);
    return isHooks ? undefined : `client takes nothing from npm, but ${hooks.path} takes ${hooks.packages.join(', ')}`;
  }
  if (target.kind !== 'file') return undefined;

  if (!target.path.startsWith('src/')) return 'it lies outside src';
  if (target.path === 'src/index.ts') return 'src/index.ts is for users of the package';
  const to = folderOf(target.path);
  // A file outside the folders is reported by its place; the package's own entry may import anything.
  if (from === undefined || to === undefined || from === to) return undefined;
  if (from === 'resilience') {
    return target.path === errorClass ? undefined : `resilience knows nothing of messages: only ${errorClass}`;
  }
  if (from === 'feed' && to === 'persistence') return 'feed never imports persistence: they meet in the store';
  if (from === 'client' && to !== 'protocol' && to !== 'resilience') {
    return 'client imports only protocol and resilience';
  }
  return folders.indexOf(to) < folders.indexOf(from) ? undefined : `${from} comes before ${to}`;
}

type Folder = (typeof folders)[number];

function isFolder(name: string | undefined): name is Folder {
  return (folders as readonly (string | undefined)[]).includes(name);
}

function folderOf(path: string): Folder | undefined {
  const name = path.split('/')[1];
  return path.split('/').length > 2 && isFolder(name) ? name : undefined;
}

/** One cycle for each import that closes one, found depth first. */
function cycles(graph: readonly SourceNode[]): string[][] {
  const files = new Map(graph.map((file) => [file.path, file]));
  const done = new Set<string>();
  const found: string[][] = [];
  const walk = (path: string, way: readonly string[]) => {
    const seenAt = way.indexOf(path);
    if (seenAt >= 0) found.push([...way.slice(seenAt), path]);
    if (seenAt >= 0 || done.has(path)) return;
    for (const { target } of files.get(path)?.imports ?? []) {
      if (target.kind === 'file') walk(target.path, [...way, path]);
    }
    done.add(path);
  };
  for (const file of graph) walk(file.path, []);
  return found;
}
