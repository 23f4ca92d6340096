import type { Team } from '../runs/team.ts';

/**
 * The team object of /api/v3. Teams here have no uploaded configuration; the members beyond a team's own are those that
 * the web app reads without asking whether they are there.
 *
 * @param created ISO 8601: since when the team has been served
 */
export function v3Team(team: Team, created: string): Record<string, unknown> {
  return {
    id: team.id,
    team_id: team.id,
    name: team.name,
    description: team.description,
    status: 'visible',
    created,
    created_by: 'indelible',
    logo: '',
    plan: '',
    agents: team.agents.map(({ name, description }) => ({
      input_key: name,
      type: '',
      name,
      description,
      system_message: '',
      deployment_name: '',
      icon: '',
    })),
    starting_tasks: [],
  };
}
