import type { Team } from '../runs/team.ts';
import { demoTeam } from '../runs/teams/demo.ts';
import { loadTeam } from '../runs/teams/loadTeam.ts';
import { openAiTeam } from '../runs/teams/openAiCompatible.ts';
import { invalidSetting } from './settings.ts';

/**
 * The teams of a server: the modules that were given, in their order; the one that asks a model, where the environment
 * names one; the demo team. The first is the one that works if a task names none.
 *
 * @throws IndelibleError `team_unusable`, `invalid_config` if two have the same id
 */
export async function teamsOf(modules: readonly string[], environment: NodeJS.ProcessEnv): Promise<[Team, ...Team[]]> {
  const own: Team[] = [];
  for (const path of modules) own.push(await loadTeam(path));
  const teams = [...own, ...builtIn(environment)];
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
 * @throws IndelibleError `team_unusable`
 */
export async function teamNamed(named: string | undefined, environment: NodeJS.ProcessEnv): Promise<Team> {
  if (named === demoTeam.id) return demoTeam;
  const teams = builtIn(environment);
  if (named === undefined) return teams[0];
  return teams.find(({ id }) => id === named) ?? (await loadTeam(named));
}

function builtIn(environment: NodeJS.ProcessEnv): [Team, ...Team[]] {
  const model = openAiTeam(environment);
  return model === undefined ? [demoTeam] : [model, demoTeam];
}
