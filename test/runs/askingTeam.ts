import { setTimeout as sleep } from 'node:timers/promises';
import { AIMessage } from '@langchain/core/messages';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { askApproval, askQuestion } from '../../src/agents/langgraph.ts';
import { graphTeam } from '../../src/runs/teams/graphTeam.ts';
import { ScriptedModel } from '../agents/scriptedModel.ts';

type State = typeof MessagesAnnotation.State;

/** What people say to it, by what it asks. */
export const answers = {
  approval: { approved: true, text: 'mind the rain' },
  clarification: { text: 'the early train' },
} as const;

/**
 * A team that says several things, by models and by itself, asks for an approval, works on, asks a question, and ends.
 * Given the same answers it always says the same.
 */
export function askingTeam(stepMs: number) {
  const model = (line: string) => new ScriptedModel([line], stepMs / 4);
  const thinks = (name: string) => async (state: State) => {
    const thought = await model(`${name} thinks of ${state.messages.length} messages`).invoke(state.messages);
    await sleep(stepMs);
    return { messages: [thought, new AIMessage(`${name} has thought`)] };
  };
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('scout', thinks('scout'))
    .addNode('planner', thinks('planner'))
    .addNode('approval', async ({ messages }) => {
      const doubt = await model('Is this good?').invoke(messages);
      const { approved, feedback } = askApproval({ steps: [{ agent: 'booker', action: 'Books' }] });
      await sleep(stepMs);
      return { messages: [doubt, new AIMessage(`approved: ${approved}, ${feedback}`)] };
    })
    .addNode('booker', thinks('booker'))
    .addNode('question', async () => {
      const said = askQuestion('Which train?', 'Two go.');
      await sleep(stepMs);
      return { messages: [new AIMessage(`We take ${said}`)] };
    })
    .addNode('writer', thinks('writer'))
    .addEdge(START, 'scout')
    .addEdge('scout', 'planner')
    .addEdge('planner', 'approval')
    .addEdge('approval', 'booker')
    .addEdge('booker', 'question')
    .addEdge('question', 'writer')
    .addEdge('writer', END)
    .compile();
  return graphTeam(graph, { id: 'asking', name: 'The travellers' });
}
