import { stat } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { IndelibleError } from '../../protocol/errors.ts';
import type { Team, TeamAgent } from '../team.ts';
import { type CompiledGraph, graphTeam, loadGraphAdapter, whyUnusable } from './graphTeam.ts';

/**
 * Loads a team from a module of its user: `--team ./team.js`. The default export is a compiled LangGraph graph, a
 * {@link Team}, or a function (it may be async) that makes either. What a team leaves out, and a graph cannot say, is
 * taken from the file's name: `./news-desk.js` is the team `news-desk`, "News desk".
 *
 * @param path from the working directory
 * @throws IndelibleError `team_unusable`; `field` is `path`, `default` (the export), or the team's field: `default.id`
 */
export async function loadTeam(path: string): Promise<Team> {
  const exported = await importDefault(path);
  if (exported === undefined) throw unusable(path, 'there is no default export', 'default');
  const made = typeof exported === 'function' ? await make(path, exported) : await settled(path, exported);
  if (isTeam(made)) return checkTeam(path, made);
  const flaw = whyUnusable(made);
  if (flaw !== undefined) {
    const subject = typeof exported === 'function' ? 'what the exported function made' : 'the default export';
    throw unusable(path, `${subject} ${flaw}`, 'default');
  }
  await loadGraphAdapter();
  return graphTeam(made as CompiledGraph, { ...namedAfter(path), description: `The graph of ${basename(path)}` });
}

async function importDefault(path: string): Promise<unknown> {
  const file = resolve(path);
  let module: { readonly default?: unknown };
  try {
    if (!(await stat(file)).isFile()) throw unusable(path, 'it is not a file', 'path');
    module = await import(pathToFileURL(file).href);
  } catch (cause) {
    if (IndelibleError.is(cause)) throw cause;
    throw unusable(path, `it cannot be loaded: ${String(cause)}`, 'path', cause);
  }
  // A compiler that writes CommonJS puts the default export one level down.
  const compiled = module.default as { readonly __esModule?: unknown; readonly default?: unknown } | null | undefined;
  return compiled?.__esModule === true ? compiled.default : module.default;
}

async function make(path: string, factory: CallableFunction): Promise<unknown> {
  try {
    return await factory();
  } catch (cause) {
    throw unusable(path, `the exported function failed: ${String(cause)}`, 'default', cause);
  }
}

async function settled(path: string, exported: unknown): Promise<unknown> {
  try {
    return await exported;
  } catch (cause) {
    throw unusable(path, `the exported promise was rejected: ${String(cause)}`, 'default', cause);
  }
}

type PartialTeam = Partial<Team> & Pick<Team, 'run'>;

function isTeam(value: unknown): value is PartialTeam {
  const { run, invoke } = (value ?? {}) as { run?: unknown; invoke?: unknown };
  return typeof run === 'function' && invoke === undefined;
}

function checkTeam(path: string, team: PartialTeam): Team {
  const { id, name } = namedAfter(path);
  const agents: unknown = team.agents ?? [];
  if (!Array.isArray(agents) || !agents.every(isAgent)) {
    throw unusable(path, 'its agents are not a list of {name, description}', 'default.agents');
  }
  return {
    id: text(path, team, 'id', id),
    name: text(path, team, 'name', name),
    description: text(path, team, 'description', ''),
    agents,
    run: (context) => team.run(context),
  };
}

function text(path: string, team: PartialTeam, field: 'id' | 'name' | 'description', otherwise: string): string {
  const value: unknown = team[field];
  if (value === undefined) return otherwise;
  if (typeof value === 'string' && (value !== '' || field === 'description')) return value;
  throw unusable(path, `its ${field} is not a text`, `default.${field}`);
}

function isAgent(value: unknown): value is TeamAgent {
  const { name, description } = (value ?? {}) as Partial<Record<keyof TeamAgent, unknown>>;
  return typeof name === 'string' && typeof description === 'string';
}

function namedAfter(path: string): { id: string; name: string } {
  const file = resolve(path);
  const stem = basename(file, extname(file));
  const id = stem === 'index' ? basename(dirname(file)) : stem;
  const words = id.replace(/[-_.]+/g, ' ').trim();
  return { id, name: words.charAt(0).toUpperCase() + words.slice(1) || id };
}

function unusable(path: string, what: string, field: string, cause?: unknown): IndelibleError {
  return new IndelibleError('team_unusable', { message: `${path}: ${what}`, field, cause });
}
