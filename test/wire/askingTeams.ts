import { AIMessage } from '@langchain/core/messages';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { askApproval, askQuestion } from 'indelible/langgraph';
import type { Team } from '../../src/runs/team.ts';
import { graphTeam } from '../../src/runs/teams/graphTeam.ts';
import { perform, plainTeam } from './teams.ts';

export const facts = 'There are "two" of them.';
export const steps = [
  { agent: 'Planner', action: 'Count them' },
  { agent: 'Writer', action: 'Write it down' },
];
export const question = `Which of the two?\nThe "first", or C:\\dir's?`;
export const context = 'Both are there.';

/** A team of plain code whose plan is approved before it begins; its first message says the task as it was given it. */
export const approvingTeam: Team = plainTeam(
  'approving',
  async (run) => {
    await run.say({ agentName: 'Planner', content: `Task: ${run.description}` });
    return await perform(run);
  },
  { needsApproval: true, plan: async () => ({ facts, steps }) },
);

/** A graph that asks for approval, then a question, each in the middle of a node; and says what it was told. */
export function askingGraph(): Team {
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('planner', async () => {
      const { approved, feedback } = askApproval({ facts, steps });
      return { messages: [new AIMessage(`${approved ? 'Approved' : 'Not approved'}: ${feedback}`)] };
    })
    .addNode('writer', async () => ({ messages: [new AIMessage(`You said: ${askQuestion(question, context)}`)] }))
    .addEdge(START, 'planner')
    .addEdge('planner', 'writer')
    .addEdge('writer', END)
    .compile();
  return graphTeam(graph, { id: 'graph', name: 'The graph' });
}
