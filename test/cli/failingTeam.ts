/** A team that fails with a text that would like to be several lines of a log, and to clear the screen. */
import type { Team } from '../../src/runs/team.ts';

const team: Team = {
  id: 'failing',
  name: 'Failing team',
  description: 'Fails',
  agents: [{ name: 'Failing', description: 'Fails' }],
  async run() {
    throw new Error('first\n{"level":"info","msg":"forged"}\r\u001b[2J\u009b2J\u0085\u2028end');
  },
};
export default team;
