/** A team that never ends, whatever it is told. */
import type { Team } from '../../src/runs/team.ts';

const team: Team = {
  id: 'deaf',
  name: 'Deaf team',
  description: 'Never ends',
  agents: [{ name: 'Deaf', description: 'Does not listen' }],
  async run({ say }) {
    await say({ agentName: 'Deaf', content: 'I begin' });
    return await new Promise(() => {});
  },
};
export default team;
