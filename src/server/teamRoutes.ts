import type { Hono } from 'hono';
import type { Runner } from '../runs/runner.ts';
import type { AppEnv } from './appEnv.ts';

/** Teams: those of the runner, the first being the default. */
export function addTeamRoutes(
  app: Hono<AppEnv>,
  runner: Runner,
  team: (teamId: string) => Record<string, unknown> | null,
): void {
  const teams = () => runner.teams.map(({ id }) => team(id));
  app.get('/api/v3/init_team', (c) => {
    const { id } = runner.team(undefined);
    return c.json({ status: 'Request started successfully', team_id: id, team: team(id) });
  });
  app.get('/api/v3/team_configs', (c) => c.json(teams()));
  app.get('/api/v3/teams', (c) => c.json(teams()));
}
