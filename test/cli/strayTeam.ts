/** A team that loses an error: rejected, where the task says "reject", else thrown where nobody can catch it. */
import type { Team } from '../../src/runs/team.ts';

const team: Team = {
  id: 'stray',
  name: 'Stray team',
  description: 'Loses an error',
  agents: [{ name: 'Stray', description: 'Loses an error' }],
  async run({ say, description, signal }) {
    if (description.includes('reject')) {
      void Promise.reject(new Error('lost\nrejection'));
      await say({ agentName: 'Stray', content: 'I am still here' });
      return { agentName: 'Stray', content: 'Done' };
    }
    setTimeout(() => {
      throw new Error('lost\nexception');
    }, 0);
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await say({ agentName: 'Stray', content: 'I was told to stop' });
    throw signal.reason;
  },
};
export default team;
