import { stat } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { IndelibleError } from '../../protocol/errors.ts';
import type { Team, TeamAgent } from '../team.ts';
import { type CompiledGraph, whyUnusable } from './compiledGraph.ts';
import { loadGraphAdapter } from './graphRun.ts';
import { graphTeam } from './graphTeam.ts';

/**
 * Loads a team from a module of its user: `--team ./team.js`. The default export is a compiled LangGraph graph, a
 * {@link Team}, or a function (it may be async) that makes either. What a team leaves out, and a graph cannot say, is
 * taken from the file's name: `./news-desk.js` is the team `news-desk`, "News desk".
 *
 * @param path from the working directory
 * @throws IndelibleError `team_unusable`; `field` is `path`, `default` (the export), or the team's field: `default.id`
 */
export async function loadTeam(path: string): Promise<Team> {
  const module = await importModule(path);
  const exported = await attempt(path, 'the default export', () => defaultOf(module));
  if (exported === undefined) throw unusable(path, 'there is no default export', 'default');
  const isFactory = typeof exported === 'function';
  const made = isFactory ? await attempt(path, 'the exported function', () => exported()) : exported;
  if (isTeam(made)) return checkTeam(path, made);
  const flaw = whyUnusable(made);
  if (flaw !== undefined) {
    throw unusable(path, `${isFactory ? 'what the exported function made' : 'the default export'} ${flaw}`, 'default');
  }
  await loadGraphAdapter();
  const named = { ...namedAfter(path), description: `The graph of ${basename(path)}` };
  return graphTeam(made as CompiledGraph, { ...named, ...approvalOf(path, module, '') });
}

interface TeamModule {
  readonly default?: unknown;
  /** Of a graph: as those of {@link Team}. */
  readonly needsApproval?: unknown;
  readonly plan?: unknown;
}

async function importModule(path: string): Promise<TeamModule> {
  const file = resolve(path);
  try {
    if ((await stat(file)).isFile()) return await import(pathToFileURL(file).href);
  } catch (cause) {
    throw unusable(path, `it cannot be loaded: ${String(cause)}`, 'path', cause);
  }
  throw unusable(path, 'it is not a file', 'path');
}

/** A compiler that writes CommonJS puts the default export one level down. */
function defaultOf(module: TeamModule): unknown {
  const compiled = module.default as { readonly __esModule?: unknown; readonly default?: unknown } | null | undefined;
  return compiled?.__esModule === true ? compiled.default : module.default;
}

/** What `action` answers or promises. */
async function attempt(path: string, what: string, action: () => unknown): Promise<unknown> {
  try {
    return await action();
  } catch (cause) {
    throw unusable(path, `${what} failed: ${String(cause)}`, 'default', cause);
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
    ...approvalOf(path, team, 'default.'),
    ...(flag(path, team, 'repeatable', 'default.') && { repeatable: true }),
    ...(team.keepsCheckpoints !== undefined && { keepsCheckpoints: checkKept(path, team.keepsCheckpoints) }),
    run: (context) => team.run(context),
  };
}

/** What a graph cannot say of itself stands beside it in its module: `export const needsApproval = true`. */
function approvalOf(path: string, given: object, field: string): Pick<Team, 'needsApproval' | 'plan'> {
  const { plan } = given as { readonly plan?: Team['plan'] };
  if (plan !== undefined && typeof plan !== 'function') throw unusable(path, 'its plan is no function', `${field}plan`);
  return {
    ...(flag(path, given, 'needsApproval', field) && { needsApproval: true }),
    ...(plan !== undefined && { plan: (task) => plan.call(given, task) }),
  };
}

function flag(path: string, given: object, name: string, field: string): boolean {
  const value = (given as Readonly<Record<string, unknown>>)[name] ?? false;
  if (typeof value === 'boolean') return value;
  throw unusable(path, `its ${name} is neither true nor false`, `${field}${name}`);
}

function checkKept(path: string, kept: unknown): 'given' | 'own' {
  if (kept === 'given' || kept === 'own') return kept;
  throw unusable(path, 'its keepsCheckpoints is neither "given" nor "own"', 'default.keepsCheckpoints');
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
