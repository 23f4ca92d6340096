import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Runner } from '../../src/runs/runner.ts';
import { loadTeam } from '../../src/runs/teams/loadTeam.ts';
import { temporaryLog } from './temporaryLog.ts';

test('examples/teams/team.mjs is a team: each of its messages is stored, its last answer is the result', async () => {
  const team = await loadTeam(fileURLToPath(new URL('../../examples/teams/team.mjs', import.meta.url)));
  expect(team).toMatchObject({ id: 'team', name: 'Team', agents: [{ name: 'poet' }, { name: 'critic' }] });
  const { indelible } = temporaryLog();
  const { ended } = await new Runner(indelible, [team]).start({ description: 'A poem about rain', planId: 'p' });
  expect(await ended).toBe('completed');
  const messages = await indelible.persistence.getMessagesForPlan('p');
  expect(messages.map(({ type, agentName, content }) => [type, agentName, content])).toEqual([
    ['agent_message', 'poet', 'Rain on the old roof.'],
    ['agent_message', 'critic', 'One line is no poem: who hears the rain?'],
    ['agent_message', 'poet', 'Rain on the old roof: the cat counts each drop.'],
    ['final_result_message', 'Team', 'Rain on the old roof: the cat counts each drop.'],
  ]);
});
