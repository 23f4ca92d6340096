import { IndelibleError } from '../../protocol/errors.ts';
import { PlanRejected } from '../personAsked.ts';
import type { CheckpointSaver, RunContext } from '../team.ts';
import { type CompiledGraph, type GraphState, type Pregel, pregelOf } from './compiledGraph.ts';
import { breakpointQuestion, type Interrupt, questionOf, resumeValue } from './graphQuestions.ts';
import { withPeers } from './optionalPeers.ts';

/** LangGraph's place in a config for a checkpointer that is lent to one call: what it does for subgraphs. */
const lentCheckpointer = '__pregel_checkpointer';

/**
 * Works with a graph on the task of a run, in the thread of its plan, to its end; answers its state there. What its
 * models, tools and nodes write is saved, each message before the graph goes on.
 *
 * With checkpoints, the run's or the graph's own, it goes on where it was: from the last checkpoint, with the answers to
 * what it asked. Each step's checkpoint is stored before the next step begins (`durability: 'sync'`), for a step names its
 * tasks, and so the ids of what they say, after the checkpoint it begins from.
 *
 * - No checkpoint: it begins with `input`.
 * - Interrupts that wait: each is asked, one after the other; with all answers the graph goes on.
 * - It stands at a breakpoint of its own: that is asked as an approval; a rejection ends the run as rejected.
 * - Else it goes on, also where it has ended: then it only says its state again.
 */
export async function runGraph(graph: CompiledGraph, context: RunContext, input: () => unknown): Promise<unknown> {
  const { durable, Command } = await loadGraphAdapter();
  const { planId, signal, log, checkpoints } = context;
  const pregel = pregelOf(graph);
  const own = ownSaver(pregel);
  const saver = own === 'none' ? undefined : await checkpoints.saver(own);
  const lent = saver === undefined ? {} : { [lentCheckpointer]: saver };
  const config = { signal, durability: 'sync', configurable: { thread_id: planId, ...lent } };
  const speaking = durable(graph, { log, planId });
  if (saver === undefined || pregel?.getState === undefined) {
    const output = await speaking.invoke(input(), { signal, configurable: { thread_id: planId } });
    if (!isInterrupted(output)) return output;
    const message = 'the graph stopped to ask a person, and there is no place for its checkpoints';
    throw new IndelibleError('run_failed', { message });
  }
  const state = () => pregel.getState?.({ configurable: config.configurable }) as Promise<GraphState>;
  for (let isStopped = false; ; isStopped = true) {
    const next = await nextInput(await state(), isStopped);
    const output = await speaking.invoke(next, config);
    if (!isInterrupted(output)) return output;
    signal.throwIfAborted();
  }

  async function nextInput(at: GraphState, isStopped: boolean): Promise<unknown> {
    if (at.createdAt === undefined) return input();
    const waiting = at.tasks.flatMap(({ name, interrupts }) => (interrupts ?? []).map((one) => ({ name, one })));
    if (waiting.length > 0) return await resumption(waiting);
    const checkpointId = at.config.configurable?.checkpoint_id;
    if (checkpointId !== undefined && ((isStopped && hasBreakpoints(pregel)) || isBefore(pregel, at.next))) {
      const { approved, text } = await context.ask(breakpointQuestion(planId, checkpointId, at.next));
      if (!approved) throw new PlanRejected(text);
    }
    return null;
  }

  async function resumption(waiting: readonly { name: string; one: Interrupt }[]): Promise<unknown> {
    const resume: Record<string, unknown> = {};
    let only: unknown;
    for (const { name, one } of waiting) {
      const question = questionOf(planId, name, one);
      only = resumeValue(question, await context.ask(question));
      if (one.id !== undefined) resume[one.id] = only;
    }
    return new Command({ resume: Object.keys(resume).length > 0 ? resume : only });
  }
}

/** What runs graphs; LangChain's core is an optional peer. */
export function loadGraphAdapter() {
  return withPeers(['@langchain/core', '@langchain/langgraph'], async () => {
    const [{ durable }, { HumanMessage }, { Command }] = await Promise.all([
      import('../../agents/langgraph.ts'),
      import('@langchain/core/messages'),
      import('@langchain/langgraph'),
    ]);
    return { durable, HumanMessage, Command };
  });
}

/** `none`: it was compiled to have none. */
function ownSaver(pregel: Pregel | undefined): CheckpointSaver | 'none' | undefined {
  const own = pregel?.checkpointer;
  if (own === false) return 'none';
  return typeof own === 'object' && own !== null ? (own as CheckpointSaver) : undefined;
}

/** A run whose process died just there has not asked yet. */
function isBefore(pregel: Pregel | undefined, next: readonly string[]): boolean {
  const nodes = pregel?.interruptBefore;
  return nodes === '*' ? next.length > 0 : Array.isArray(nodes) && next.some((node) => nodes.includes(node));
}

function hasBreakpoints({ interruptBefore, interruptAfter }: Pregel = {}): boolean {
  return [interruptBefore, interruptAfter].some((nodes) => nodes === '*' || (Array.isArray(nodes) && nodes.length > 0));
}

function isInterrupted(output: unknown): boolean {
  return typeof output === 'object' && output !== null && '__interrupt__' in output;
}
