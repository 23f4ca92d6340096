/** A team that works until it is told to stop, and says so. */
import type { Team } from '../../src/runs/team.ts';

const team: Team = {
  id: 'slow',
  name: 'Slow team',
  description: 'Works until it is told to stop',
  agents: [{ name: 'Slow', description: 'Waits' }],
  async run({ say, signal }) {
    await say({ agentName: 'Slow', content: 'I begin' });
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await say({ agentName: 'Slow', content: 'I was told to stop' });
    throw signal.reason;
  },
};
export default team;
