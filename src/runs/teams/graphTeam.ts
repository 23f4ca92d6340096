import { textOf } from '../../agents/langchainMessage.ts';
import { IndelibleError } from '../../protocol/errors.ts';
import type { FinalResult, Team, TeamAgent } from '../team.ts';
import { withPeers } from './optionalPeers.ts';

/** A compiled LangGraph graph, or an agent of LangChain's `createAgent`, as far as it matters here. */
export interface CompiledGraph {
  invoke(input: unknown, config?: unknown): Promise<unknown>;
  withConfig(config: unknown): unknown;
}

export interface GraphTeamOptions {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
}

/**
 * A team that is a graph. Each run gives the graph the task as a human message in `messages`, and saves what its models,
 * tools and nodes write, each message before the graph goes on. The task itself is not saved as a message: the plan has
 * it; a node that returns it makes it one. The final result is the text of the last AI message in the graph's `messages`.
 *
 * The graph's thread is the plan. A graph that stops to ask a human (`interrupt`) fails its run: this version cannot
 * answer it.
 *
 * @throws IndelibleError `team_unusable` for what is no compiled graph, or has no `messages`
 */
export function graphTeam(graph: CompiledGraph, { id, name, description = '' }: GraphTeamOptions): Team {
  const flaw = whyUnusable(graph);
  if (flaw !== undefined) throw new IndelibleError('team_unusable', { message: `the graph ${flaw}`, field: 'graph' });
  return {
    id,
    name,
    description,
    agents: agentsOf(graph),
    async run({ planId, description: task, log, signal }) {
      const { durable, HumanMessage } = await loadGraphAdapter();
      const messages = [new HumanMessage({ id: `task-${planId}`, content: task })];
      const output = await durable(graph, { log, planId }).invoke(
        { messages },
        { signal, configurable: { thread_id: planId } },
      );
      refuseInterrupt(output);
      return lastAnswer(output, name);
    },
  };
}

/** What runs graphs; LangChain's core is an optional peer. */
export function loadGraphAdapter() {
  return withPeers(['@langchain/core', '@langchain/langgraph'], async () => {
    const [{ durable }, { HumanMessage }] = await Promise.all([
      import('../../agents/langgraph.ts'),
      import('@langchain/core/messages'),
    ]);
    return { durable, HumanMessage };
  });
}

/** What LangGraph's graphs say of themselves, whichever copy of it made them. */
interface Pregel {
  readonly lg_is_pregel?: unknown;
  readonly channels?: Readonly<Record<string, unknown>>;
  readonly nodes?: Readonly<Record<string, unknown>>;
  /** Set if it was compiled from a StateGraph. */
  readonly builder?: unknown;
}

function pregelOf(value: unknown): Pregel | undefined {
  const graph = value as (Pregel & { readonly graph?: Pregel }) | null | undefined;
  if (graph?.lg_is_pregel === true) return graph;
  return graph?.graph?.lg_is_pregel === true ? graph.graph : undefined;
}

/** A sentence's end that says what is wrong, or undefined. */
export function whyUnusable(value: unknown): string | undefined {
  const graph = pregelOf(value);
  if (graph === undefined) {
    const { compile } = (value ?? {}) as { compile?: unknown };
    return typeof compile === 'function' ? 'is not compiled: call its compile()' : 'is no compiled LangGraph graph';
  }
  if (graph.builder === undefined || graph.channels === undefined || 'messages' in graph.channels) return undefined;
  return 'has no `messages` in its state, where the task would be given (MessagesAnnotation has)';
}

/** LangGraph's own nodes have names like `__start__`. */
function agentsOf(graph: CompiledGraph): TeamAgent[] {
  const names = Object.keys(pregelOf(graph)?.nodes ?? {}).filter((name) => !/^__.*__$/.test(name));
  return names.map((name) => ({ name, description: '' }));
}

function refuseInterrupt(output: unknown): void {
  if (typeof output !== 'object' || output === null || !('__interrupt__' in output)) return;
  const message = 'the graph stopped to ask a human (interrupt), which this version cannot answer yet';
  throw new IndelibleError('not_implemented', { message });
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
