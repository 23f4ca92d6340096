/**
 * `npm run test:package` (after `npm run build`): packs the package as it would be published, installs the tarball in an
 * empty project and uses it there as a reader would: the command, every entry point, the marked blocks of README.md and
 * docs/ (scripts/marked-blocks.ts says how to mark them), the examples. Prints `N passed, N failed` at the end.
 *
 * Where a page says port 4000, a free port is used, so that a server at work elsewhere on the machine is in no way.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { entryPoints } from './entry-points.ts';
import { type MarkedBlock, markedBlocks, missingLine } from './marked-blocks.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const description = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const nodeWithTypes = 'node --experimental-strip-types --disable-warning=ExperimentalWarning';
/** Entry points that are adapters of a library, and are nothing without it. */
const needingPeers = ['./langgraph', './ai-sdk', './ai-sdk/client', './openai-agents', './react'];
const commandMs = 120_000;
const startMs = 30_000;
const stopMs = 10_000;

const workplace = mkdtempSync(join(tmpdir(), 'indelible-package-'));
const environment = readersEnvironment();
let passed = 0;
let failed = 0;

try {
  const tarball = pack();
  await check('the tarball holds what it should and nothing else', () => contentsAreRight(tarball));
  await inNewProject('entry-points', tarball, async (project) => {
    await check('the command answers', async () => {
      const { output } = await run(project, 'npx --no-install indelible --version');
      if (output.trim() !== description.version) throw new Error(`--version printed ${output}`);
    });
    const peers = Object.keys(description.peerDependencies);
    for (const name of Object.keys(entryPoints()).filter((entry) => !needingPeers.includes(entry))) {
      await check(`indelible${name.slice(1)} can be imported without the optional peers`, () =>
        importsIn(project, name),
      );
    }
    await run(project, `npm install ${peers.map((peer) => `${peer}@${description.devDependencies[peer]}`).join(' ')}`);
    for (const name of needingPeers) {
      await check(`indelible${name.slice(1)} can be imported`, () => importsIn(project, name));
    }
    const folder = join(root, 'examples');
    const programs = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
    // Those in react/ are a page: test/client/browser.test.ts opens it.
    const examples = programs.filter((name) => /\.m?[jt]s$/.test(name) && !name.startsWith('react/')).sort();
    if (examples.length > 0) cpSync(folder, join(project, 'examples'), { recursive: true });
    await check('there are examples', () => {
      if (examples.length === 0) throw new Error('examples/ holds no program');
    });
    for (const example of examples) {
      await check(`examples/${example} runs`, () => run(project, `${nodeWithTypes} examples/${example}`));
    }
  });
  for (const page of pages()) {
    await inNewProject(page.replaceAll('/', '-'), tarball, (project) => runPage(page, project, tarball));
  }
} finally {
  rmSync(workplace, { recursive: true, force: true });
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

async function check(name: string, body: () => unknown): Promise<boolean> {
  try {
    await body();
    passed++;
    process.stdout.write(`✓ ${name}\n`);
    return true;
  } catch (error) {
    failed++;
    process.stdout.write(`✗ ${name}\n${indent(error instanceof Error ? error.message : String(error))}\n`);
    return false;
  }
}

/** The path of the tarball, made by `npm pack` from what `npm run build` left. */
function pack(): string {
  if (!existsSync(join(root, 'dist'))) throw new Error('There is no dist/: npm run build comes first.');
  const packed = spawnSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', workplace], {
    cwd: root,
    encoding: 'utf8',
  });
  if (packed.status !== 0) throw new Error(packed.stderr);
  return join(workplace, readdirSync(workplace).find((name) => name.endsWith('.tgz')) ?? '');
}

function contentsAreRight(tarball: string): void {
  const listing = spawnSync('tar', ['tzf', tarball], { encoding: 'utf8' }).stdout.trim().split('\n');
  const files = listing.map((name) => name.replace(/^package\//, ''));
  for (const needed of ['README.md', 'PROTOCOL.md', 'CHANGELOG.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts']) {
    if (!files.includes(needed)) throw new Error(`${needed} is not in the tarball`);
  }
  for (const file of files) {
    if (/node_modules/.test(file)) throw new Error(`${file}: a dependency was bundled; make it a dependency or a peer`);
    if (
      !/^(dist\/.*\.(js|d\.ts)|package\.json|LICENSE|[A-Z]+\.md|docs\/.*|examples\/.*|bench\/RESULTS\.md)$/.test(file)
    )
      throw new Error(`what is ${file}?`);
  }
}

async function inNewProject(name: string, tarball: string, body: (project: string) => Promise<void>): Promise<void> {
  const project = join(workplace, name);
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "reader", "private": true, "type": "module" }\n');
  const installed = await check(`the tarball installs into an empty project (${name})`, () =>
    run(project, `npm install ${tarball}`),
  );
  if (installed) await body(project);
}

async function importsIn(project: string, name: string): Promise<void> {
  const specifier = `indelible${name.slice(1)}`;
  const program = `const found = await import('${specifier}'); if (Object.keys(found).length === 0) process.exit(3);`;
  await run(project, `node --input-type=module -e "${program}"`);
}

/** README.md, which must have marked blocks, and whatever pages of docs/ have some. */
function pages(): string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.md'),
  );
  const marked = docs.map((name) => `docs/${name}`).filter((page) => markedBlocks(textOf(page)).length > 0);
  return ['README.md', ...marked.sort()];
}

function textOf(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** Runs the blocks of one page in their order, as one reader would; stops at the first that fails. */
async function runPage(page: string, project: string, tarball: string): Promise<void> {
  const blocks = markedBlocks(textOf(page));
  await check(`${page} has blocks to run`, () => {
    if (blocks.length === 0) throw new Error('no block is marked with <!-- quick-start -->');
  });
  const port = await freePort();
  const servers: Server[] = [];
  let printed: () => string = () => '';
  let more = false;
  try {
    for (const block of blocks) {
      const text = block.text.replaceAll(':4000', `:${port}`).replaceAll('PORT=4000', `PORT=${port}`);
      const went = await check(`${page}:${block.line} ${titleOf(block)}`, async () => {
        if (block.kind === 'file') {
          mkdirSync(dirname(join(project, block.file)), { recursive: true });
          writeFileSync(join(project, block.file), text);
        } else if (block.kind === 'background') {
          const server = await startServer(project, text, port);
          servers.push(server);
          printed = server.printed;
          more = true;
        } else if (block.kind === 'run') {
          const { output } = await run(project, fromTarball(text, tarball), { PORT: String(port) });
          printed = () => output;
          more = false;
        } else {
          await untilPrinted(text, printed, more ? startMs : 0);
        }
      });
      if (!went) break;
    }
  } finally {
    for (const server of servers) await check(`${page}: the server stops on SIGTERM`, server.stop);
  }
}

function titleOf(block: MarkedBlock): string {
  if (block.kind === 'file') return `writes ${block.file}`;
  const first = block.text.trim().split('\n')[0] ?? '';
  return `${block.kind === 'output' ? 'prints' : 'runs'}: ${first.slice(0, 80)}`;
}

/** `npm install indelible` means the tarball, also among others and with a tag. */
function fromTarball(commands: string, tarball: string): string {
  return commands.replace(/\bnpm (install|i|add)\b.*$/gm, (line) =>
    line.replace(/(?<=\s)indelible(@\S+)?(?=\s|$)/, () => tarball),
  );
}

interface Server {
  readonly printed: () => string;
  readonly stop: () => Promise<void>;
}

async function startServer(project: string, commands: string, port: number): Promise<Server> {
  const server = start(project, commands, { PORT: String(port) });
  const stop = async () => {
    server.signal('SIGTERM');
    const stopped = await Promise.race([server.ended, sleep(stopMs, 'late' as const, { ref: false })]);
    server.signal('SIGKILL');
    if (stopped === 'late') throw new Error(`it was still there ${stopMs} ms later\n${tail(server.printed())}`);
  };
  const giveUpAt = Date.now() + startMs;
  while (!(await answers(port))) {
    const ended = server.child.exitCode !== null;
    if (ended || Date.now() > giveUpAt) {
      server.signal('SIGKILL');
      throw new Error(`${ended ? 'it ended' : 'nothing listens'}\n${tail(server.printed())}`);
    }
    await sleep(100);
  }
  return { printed: server.printed, stop };
}

async function untilPrinted(expected: string, printed: () => string, patienceMs: number): Promise<void> {
  const giveUpAt = Date.now() + patienceMs;
  let missing = missingLine(expected, printed());
  while (missing !== undefined && Date.now() < giveUpAt) {
    await sleep(100);
    missing = missingLine(expected, printed());
  }
  if (missing !== undefined) throw new Error(`not printed: ${missing}\nprinted was:\n${tail(printed())}`);
}

async function run(cwd: string, commands: string, variables: Record<string, string> = {}): Promise<{ output: string }> {
  const program = start(cwd, commands, variables);
  const code = await Promise.race([program.ended, sleep(commandMs, 'late' as const, { ref: false })]);
  program.signal('SIGKILL');
  if (code !== 0) {
    const why = code === 'late' ? `still running after ${commandMs} ms` : `exit code ${code}`;
    throw new Error(`${why}\n${tail(program.printed())}`);
  }
  return { output: program.printed() };
}

interface Program {
  readonly child: ChildProcess;
  readonly printed: () => string;
  readonly ended: Promise<number | null>;
  /** To all its processes, if any are left. */
  readonly signal: (name: NodeJS.Signals) => void;
}

function start(cwd: string, commands: string, variables: Record<string, string>): Program {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', commands], {
    cwd,
    env: { ...environment, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  const signal = (name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // None of them is left.
    }
  };
  return { child, printed: () => stripVTControlCharacters(text), ended, signal };
}

/** A reader's shell: this repository's Node first on the PATH, and nothing of its npm, of this run or of a model. */
function readersEnvironment(): NodeJS.ProcessEnv {
  const bin = join(workplace, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'node'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 });
  const ours =
    /^(npm_(lifecycle|package|command|execpath|node|config_(local|global)?_?prefix|config_node_gyp)|INIT_CWD$)/;
  const product = /^(INDELIBLE_|OPENAI_|HOST$|PORT$|NODE_OPTIONS$|TEST_REPORT$)/;
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name) && !product.test(name));
  const path = (process.env['PATH'] ?? '').split(':').filter((folder) => !folder.includes('node_modules'));
  return { ...Object.fromEntries(kept), PATH: [bin, ...path].join(':'), NO_COLOR: '1' };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function tail(text: string): string {
  return text.trim().split('\n').slice(-40).join('\n');
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ');
}
