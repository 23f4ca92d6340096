import { textOf } from '../../agents/langchainMessage.ts';
import { IndelibleError } from '../../protocol/errors.ts';
import type { FinalResult, Team, TeamAgent } from '../team.ts';
import { type CompiledGraph, pregelOf, whyUnusable } from './compiledGraph.ts';
import { loadGraphAdapter, runGraph } from './graphRun.ts';

export interface GraphTeamOptions extends Pick<Team, 'needsApproval' | 'plan'> {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
}

/**
 * A team that is a graph. Each run gives the graph the task as a human message in `messages`, and saves what its models,
 * tools and nodes write, each message before the graph goes on. The task itself is not saved as a message: the plan has
 * it; a node that returns it makes it one. The final result is the text of the last AI message in the graph's `messages`.
 *
 * The graph's thread is the plan, its checkpoints are the run's: it goes on after its process died, and waits for people
 * where it asks them (`askApproval`, `askQuestion`, any `interrupt`). One that was compiled with a checkpointer keeps
 * that: its runs survive as far as that does.
 *
 * @throws IndelibleError `team_unusable` for what is no compiled graph, or has no `messages`
 */
export function graphTeam(graph: CompiledGraph, options: GraphTeamOptions): Team {
  const { id, name, description = '', needsApproval, plan } = options;
  const flaw = whyUnusable(graph);
  if (flaw !== undefined) throw new IndelibleError('team_unusable', { message: `the graph ${flaw}`, field: 'graph' });
  const own = pregelOf(graph)?.checkpointer;
  return {
    id,
    name,
    description,
    agents: agentsOf(graph),
    ...(needsApproval !== undefined && { needsApproval }),
    ...(plan !== undefined && { plan: (task) => plan(task) }),
    ...(own !== false && { keepsCheckpoints: own ? 'own' : 'given' }),
    async run(context) {
      const { HumanMessage } = await loadGraphAdapter();
      const { planId, description: task } = context;
      const input = () => ({ messages: [new HumanMessage({ id: `task-${planId}`, content: task })] });
      return lastAnswer(await runGraph(graph, context, input), name);
    },
  };
}

/** LangGraph's own nodes have names like `__start__`. */
function agentsOf(graph: CompiledGraph): TeamAgent[] {
  const names = Object.keys(pregelOf(graph)?.nodes ?? {}).filter((name) => !/^__.*__$/.test(name));
  return names.map((name) => ({ name, description: '' }));
}

/** The messages of the output, from whichever copy of LangChain they are. */
function lastAnswer(output: unknown, teamName: string): FinalResult {
  const { messages } = (output ?? {}) as { messages?: unknown };
  const answers = (Array.isArray(messages) ? messages : []).filter(isAnswer);
  const last = answers.findLast(({ content }) => textOf(content) !== '');
  if (last !== undefined) return { agentName: last.name || teamName, content: textOf(last.content) };
  return { agentName: teamName, content: 'The team has finished. It wrote no closing answer.' };
}

interface Answer {
  readonly name?: string;
  readonly content: unknown;
}

function isAnswer(message: unknown): message is Answer {
  const { getType } = (message ?? {}) as { getType?: () => unknown };
  return typeof getType === 'function' && getType.call(message) === 'ai';
}
