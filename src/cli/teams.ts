import { existsSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { IndelibleError } from '../protocol/errors.ts';
import type { Team } from '../runs/team.ts';
import { demoTeam } from '../runs/teams/demo.ts';
import { demoApprovalTeam } from '../runs/teams/demoApproval.ts';
import { loadTeam } from '../runs/teams/loadTeam.ts';
import { openAiTeam } from '../runs/teams/openAiCompatible.ts';
import { withRemedy } from './remedy.ts';
import { invalidSetting } from './settings.ts';

/**
 * The teams of a server: the modules that were given, in their order; the one that asks a model, where the environment
 * names one; the demo teams. The first is the one that works if a task names none; a built-in one that was given takes
 * the place where it was given.
 *
 * @throws IndelibleError `team_unusable`, `invalid_config` if two have the same id, or if there is no such team
 */
export async function teamsOf(modules: readonly string[], environment: NodeJS.ProcessEnv): Promise<[Team, ...Team[]]> {
  const ours = builtIn(environment);
  const given: Team[] = [];
  for (const named of modules) given.push(await teamGiven(named, ours));
  const teams = [...given, ...ours.filter((team) => !given.includes(team))];
  const ids = new Set<string>();
  for (const { id } of teams) {
    if (ids.has(id)) throw invalidSetting('--team', `gives two teams with the id ${JSON.stringify(id)}`);
    ids.add(id);
  }
  return teams as [Team, ...Team[]];
}

/**
 * The team of one run: a built-in one by its id, or a module by its path; left out, the one that asks a model, where
 * the environment names one, else the demo team.
 *
 * @throws IndelibleError `team_unusable`, `invalid_config` if there is no such team
 */
export async function teamNamed(named: string | undefined, environment: NodeJS.ProcessEnv): Promise<Team> {
  if (named === demoTeam.id) return demoTeam;
  const teams = builtIn(environment);
  if (named === undefined) return teams[0];
  return await teamGiven(named, teams);
}

async function teamGiven(named: string, ours: readonly Team[]): Promise<Team> {
  const team = ours.find(({ id }) => id === named);
  if (team !== undefined) return team;
  if (isBareName(named) && !existsSync(named)) throw noTeam(named, ours);
  return await loadTeam(named);
}

/** Neither a path nor the name of a file: `news`, not `./news.js`. */
function isBareName(named: string): boolean {
  return basename(named) === named && extname(named) === '';
}

function noTeam(named: string, ours: readonly Team[]): IndelibleError {
  const field = '--team';
  if (named === 'openai') {
    const message = 'the team openai needs INDELIBLE_MODEL, the model to ask';
    const remedy = 'Set INDELIBLE_MODEL, and OPENAI_API_KEY or the OPENAI_BASE_URL of an endpoint of your own.';
    return withRemedy(new IndelibleError('invalid_config', { message, field }), remedy);
  }
  const there = new Intl.ListFormat('en').format(ours.map(({ id }) => id));
  const message = `there is no team ${named}; there ${ours.length === 1 ? 'is' : 'are'} ${there}`;
  const remedy = `Name one of these, or give a module by its path: ./${named}.js`;
  return withRemedy(new IndelibleError('invalid_config', { message, field }), remedy);
}

function builtIn(environment: NodeJS.ProcessEnv): [Team, ...Team[]] {
  const model = openAiTeamOf(environment);
  const demos = [demoTeam, demoApprovalTeam] as const;
  return model === undefined ? [...demos] : [model, ...demos];
}

function openAiTeamOf(environment: NodeJS.ProcessEnv): Team | undefined {
  try {
    return openAiTeam(environment);
  } catch (error) {
    if (!IndelibleError.is(error, 'team_unusable')) throw error;
    throw withRemedy(error, 'Set OPENAI_API_KEY or OPENAI_BASE_URL, or unset INDELIBLE_MODEL for the demo team.');
  }
}
