import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

const graph = `
  import { AIMessage } from '@langchain/core/messages';
  import { MessagesAnnotation, StateGraph } from '@langchain/langgraph';
  const builder = new StateGraph(MessagesAnnotation)
    .addNode('speaker', async () => ({ messages: [new AIMessage('Hello.')] }))
    .addEdge('__start__', 'speaker');
  const graph = builder.compile();
`;

const modules: Readonly<Record<string, string>> = {
  'graph.mjs': `${graph} export default graph;`,
  'news-desk.js': `${graph} export default graph;`,
  'desk/index.mjs': `${graph} export default graph;`,
  'typed.ts': `${graph} const typed: unknown = graph; export default typed;`,
  'function.mjs': `${graph} export default () => graph;`,
  'async-function.mjs': `${graph} export default async () => graph;`,
  'promise.mjs': `${graph} export default Promise.resolve(graph);`,
  'common.cjs': `module.exports = import('./graph.mjs').then((found) => found.default);`,
  'compiled.cjs': `exports.__esModule = true; exports.default = { run: async () => ({ agentName: 'A', content: 'b' }) };`,
  'team.mjs': `export default {
    id: 'own', name: 'Own team', description: 'Ours', agents: [{ name: 'Ann', description: 'Talks' }],
    run: async ({ description }) => ({ agentName: 'Ann', content: 'I heard: ' + description }),
  };`,
  'bare.mjs': `
    class Bare { #word = 'kept'; async run() { return { agentName: 'Bare', content: this.#word }; } }
    export default () => new Bare();`,

  'folder.mjs/inner.txt': 'not a module',
  'syntax.mjs': 'export default {;',
  'throws.mjs': `throw new RangeError('too much');`,
  'dependency.mjs': `import 'nothing-of-that-name'; export default {};`,
  'nothing.mjs': 'export const graph = 1;',
  'text.mjs': `export default 'graph';`,
  'null.mjs': 'export default null;',
  'builder.mjs': `${graph} export default builder;`,
  'runnable.mjs': `import { RunnableLambda } from '@langchain/core/runnables'; export default RunnableLambda.from(() => 1);`,
  'stateless.mjs': `
    import { Annotation, StateGraph } from '@langchain/langgraph';
    export default new StateGraph(Annotation.Root({ task: Annotation() }))
      .addNode('worker', async () => ({})).addEdge('__start__', 'worker').compile();`,
  'failing-function.mjs': `export default () => { throw new RangeError('too much'); };`,
  'empty-function.mjs': 'export default () => {};',
  'rejected.mjs': `export default Promise.reject(new RangeError('too much'));`,
  'number-id.mjs': 'export default { id: 7, run() {} };',
  'empty-name.mjs': `export default { name: '', run() {} };`,
  'odd-agents.mjs': `export default { agents: ['Ann'], run() {} };`,
};

interface Loaded {
  readonly id?: string;
  readonly name?: string;
  readonly agents?: readonly { readonly name: string }[];
  readonly answer?: unknown;
  readonly error?: { code: string; field: string; message: string; cause: string | null };
}

/** Loads each file with Node itself, as `indelible serve` does: vitest would load them its own way. */
const loader = `
  const { loadTeam } = await import(${JSON.stringify(`${root}src/runs/teams/loadTeam.ts`)});
  const loaded = {};
  for (const path of process.argv.slice(1)) {
    try {
      const team = await loadTeam(path);
      const answer = team.agents[0]?.name === 'speaker' ? undefined : await team.run({ description: 'the task' });
      loaded[path] = { id: team.id, name: team.name, agents: team.agents, answer };
    } catch ({ code, field, message, cause }) {
      loaded[path] = { error: { code, field, message, cause: cause?.name ?? null } };
    }
  }
  console.log(JSON.stringify(loaded));
`;

describe('loadTeam', () => {
  const folder = mkdtempSync(join(tmpdir(), 'indelible-teams-'));
  let loaded: Readonly<Record<string, Loaded>>;

  beforeAll(async () => {
    for (const [name, text] of Object.entries({ ...modules, 'package.json': '{ "type": "module" }' })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const paths = [...Object.keys(modules), 'folder.mjs', 'missing.mjs'].map((name) => `./${name}`);
    const options = ['--input-type=module', '--eval', loader, ...paths];
    loaded = JSON.parse((await promisify(execFile)(process.execPath, options, { cwd: folder })).stdout);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ['a compiled graph', 'graph.mjs', 'graph', 'Graph'],
    ['a graph in a file of two words', 'news-desk.js', 'news-desk', 'News desk'],
    ['a graph in the index of a folder', 'desk/index.mjs', 'desk', 'Desk'],
    ['a graph in TypeScript', 'typed.ts', 'typed', 'Typed'],
    ['a function that makes a graph', 'function.mjs', 'function', 'Function'],
    ['an async function that makes a graph', 'async-function.mjs', 'async-function', 'Async function'],
    ['a promise of a graph', 'promise.mjs', 'promise', 'Promise'],
    ['a promise of a graph, from CommonJS', 'common.cjs', 'common', 'Common'],
  ])('makes a team, named after its file, of %s', (_what, file, id, name) => {
    expect(loaded[`./${file}`]).toEqual({ id, name, agents: [{ name: 'speaker', description: '' }] });
  });

  test('takes a team as it is', () => {
    expect(loaded['./team.mjs']).toEqual({
      id: 'own',
      name: 'Own team',
      agents: [{ name: 'Ann', description: 'Talks' }],
      answer: { agentName: 'Ann', content: 'I heard: the task' },
    });
  });

  test.each([
    ['bare.mjs', { id: 'bare', name: 'Bare', agents: [], answer: { agentName: 'Bare', content: 'kept' } }],
    ['compiled.cjs', { id: 'compiled', name: 'Compiled', agents: [], answer: { agentName: 'A', content: 'b' } }],
  ])('names after its file a team that only has a run(): %s', (file, team) => {
    expect(loaded[`./${file}`]).toEqual(team);
  });

  test.each<[string, string, string, string | null, RegExp]>([
    ['a file that is missing', 'missing.mjs', 'path', 'Error', /ENOENT/],
    ['a folder', 'folder.mjs', 'path', null, /not a file/],
    ['a file that is no JavaScript', 'syntax.mjs', 'path', 'SyntaxError', /SyntaxError/],
    ['a module that throws', 'throws.mjs', 'path', 'RangeError', /too much/],
    ['a module whose dependency is missing', 'dependency.mjs', 'path', 'Error', /nothing-of-that-name/],
    ['a module without a default export', 'nothing.mjs', 'default', null, /no default export/],
    ['a text', 'text.mjs', 'default', null, /the default export is no compiled LangGraph graph/],
    ['null', 'null.mjs', 'default', null, /no compiled LangGraph graph/],
    ['a graph that is not compiled', 'builder.mjs', 'default', null, /not compiled: call its compile\(\)/],
    ['a runnable that is no graph', 'runnable.mjs', 'default', null, /no compiled LangGraph graph/],
    ['a graph without messages', 'stateless.mjs', 'default', null, /no `messages` in its state/],
    [
      'a function that throws',
      'failing-function.mjs',
      'default',
      'RangeError',
      /function failed: RangeError: too much/,
    ],
    ['a function that makes nothing', 'empty-function.mjs', 'default', null, /what the exported function made is no/],
    ['a promise that is rejected', 'rejected.mjs', 'default', 'RangeError', /too much/],
    ['a team whose id is no text', 'number-id.mjs', 'default.id', null, /id/],
    ['a team whose name is empty', 'empty-name.mjs', 'default.name', null, /name/],
    ['a team whose agents are no agents', 'odd-agents.mjs', 'default.agents', null, /agents/],
  ])('refuses %s: team_unusable with the field, the path and the cause', (_what, file, field, cause, reason) => {
    const { error } = loaded[`./${file}`]!;
    expect(error).toMatchObject({ code: 'team_unusable', field, cause });
    expect(error?.message).toMatch(reason);
    expect(error?.message).toContain(`./${file}`);
  });
});
