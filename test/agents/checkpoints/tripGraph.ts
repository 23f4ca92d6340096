import { Annotation, END, interrupt, START, StateGraph } from '@langchain/langgraph';
import type { Checkpointer } from '../../../src/agents/langgraph.ts';

const Trip = Annotation.Root({
  said: Annotation<string[]>({ reducer: (before, more) => [...before, ...more], default: () => [] }),
  approved: Annotation<boolean>(),
});

type TripState = typeof Trip.State;
type Saying = (state: TripState) => Promise<Partial<TripState>>;

/**
 * A trip that a human must approve: two agents side by side, a question, then two more steps. Given the same answer it
 * always ends in the same state, however often it is stopped on the way. `entering` hears which node begins.
 */
export function tripGraph(checkpointer: Checkpointer, stepMs: number, entering: (node: string) => void = () => {}) {
  const says = (node: string, text: (state: TripState) => string): Saying => {
    return async (state) => {
      entering(node);
      await new Promise((resolve) => setTimeout(resolve, stepMs));
      return { said: [`${node}: ${text(state)}`] };
    };
  };
  return new StateGraph(Trip)
    .addNode(
      'planner',
      says('planner', ({ said }) => `a trip for "${said[0]}"`),
    )
    .addNode(
      'flights',
      says('flights', ({ said }) => `flight after ${said.length} messages`),
    )
    .addNode(
      'hotels',
      says('hotels', ({ said }) => `hotel after ${said.length} messages`),
    )
    .addNode('approval', async ({ said }) => {
      entering('approval');
      const approved = interrupt<string, boolean>(`Book what ${said.length} messages say?`);
      return { approved, said: [`approval: ${approved}`] };
    })
    .addNode(
      'booking',
      says('booking', ({ approved }) => (approved ? 'booked' : 'left')),
    )
    .addNode(
      'report',
      says('report', ({ said }) => `${said.length} messages before`),
    )
    .addEdge(START, 'planner')
    .addEdge('planner', 'flights')
    .addEdge('planner', 'hotels')
    .addEdge(['flights', 'hotels'], 'approval')
    .addEdge('approval', 'booking')
    .addEdge('booking', 'report')
    .addEdge('report', END)
    .compile({ checkpointer });
}

export type TripGraph = ReturnType<typeof tripGraph>;

export const tripInput = { said: ['Lisbon in May'] };

/** What a thread's checkpoints say, without what differs between two runs of the same: ids and times. */
export async function tripState(graph: TripGraph, threadId: string) {
  const config = { configurable: { thread_id: threadId } };
  const state = await graph.getState(config);
  const history: unknown[] = [];
  for await (const { values, next, metadata } of graph.getStateHistory(config)) {
    history.push({ values, next, step: metadata?.step, source: metadata?.source });
  }
  return {
    values: state.values,
    next: state.next,
    asked: state.tasks.flatMap(({ interrupts }) => interrupts.map(({ value }) => value)),
    history,
  };
}
