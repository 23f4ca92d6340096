import { AIMessage } from '@langchain/core/messages';
import { MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import type { Indelible } from '../../src/agents/indelible.ts';
import { durable } from '../../src/agents/langgraph.ts';
import type { Broadcaster } from '../../src/persistence/broadcaster.ts';
import type { SaveResult } from '../../src/persistence/saveResult.ts';
import type { PersistenceResult } from '../../src/protocol/persistenceResult.ts';
import type { AgentScript, Execution, ScriptedMessage, Step } from './execution.ts';
import type { Saying } from './saying.ts';

/** Where an execution takes place. */
export interface Stage {
  readonly log: Pick<Indelible, 'save' | 'persistMessage' | 'persistence' | 'live'>;
  /** The manager that `persistMessage` is given. */
  readonly manager?: (planId: string) => Broadcaster | null | undefined;
  /** Before each step; `step` counts the steps of the plan from 0. */
  readonly beforeStep?: (planId: string, step: number) => unknown;
  /** As soon as a save was answered, before its agent goes on. */
  readonly answered?: (written: Written) => unknown;
}

/** A message that an agent wrote, and what it was told. */
export interface Written {
  readonly planId: string;
  readonly agentName: string;
  /** What must be read back. */
  readonly said: Saying;
  readonly messageId: string | undefined;
  /** The call that saved it; a graph has none. */
  readonly way: Step['way'] | undefined;
  /** Whether the agent was told that it is stored; undefined while it was told nothing. */
  stored: boolean | undefined;
  /** As far as the call answers it. */
  result: SaveResult | PersistenceResult | undefined;
}

let plansSoFar = 0;

/** A plan id that no run had before. */
export function freshPlanId(label = 'plan'): string {
  return `${label}~${process.pid}.${++plansSoFar}`;
}

/** Performs it, all plans and all agents at the same time; answers what each plan's agents wrote, in the order of the calls. */
export async function perform(execution: Execution, stage: Stage): Promise<Map<string, Written[]>> {
  const written = new Map<string, Written[]>();
  await Promise.all(
    execution.plans.map(async ({ label, agents }) => {
      const planId = freshPlanId(label);
      written.set(planId, await performPlan(planId, agents, stage));
    }),
  );
  return written;
}

export async function performPlan(planId: string, agents: readonly AgentScript[], stage: Stage): Promise<Written[]> {
  const written: Written[] = [];
  let steps = 0;
  const next = async (pause: number): Promise<void> => {
    for (let turn = 0; turn < pause; turn++) await new Promise((resolve) => setImmediate(resolve));
    await stage.beforeStep?.(planId, steps++);
  };
  await Promise.all(
    agents.map((agent) =>
      agent.inGraph
        ? performGraph(planId, agent, stage, written, next)
        : performAgent(planId, agent, stage, written, next),
    ),
  );
  return written;
}

async function performAgent(
  planId: string,
  { name, steps }: AgentScript,
  stage: Stage,
  written: Written[],
  next: (pause: number) => Promise<void>,
): Promise<void> {
  const answers: Promise<void>[] = [];
  for (const step of steps) {
    await next(step.pause);
    const all = step.messages.map((message) => note(planId, name, message, step.way));
    written.push(...all);
    const answer = call(stage, step, all);
    if (step.waits) await answer;
    else answers.push(answer);
  }
  await Promise.all(answers);
}

function note(planId: string, agentName: string, message: ScriptedMessage, way?: Step['way']): Written {
  const { messageId, ...said } = message;
  return { planId, agentName, said, messageId, way, stored: undefined, result: undefined };
}

async function call(stage: Stage, { way }: Step, all: readonly Written[]): Promise<void> {
  const { log } = stage;
  const handed = all.map(({ planId, agentName, said, messageId }) => ({ planId, agentName, ...said, messageId }));
  const tell = async (one: Written, stored: boolean, result?: Written['result']): Promise<void> => {
    one.stored = stored;
    one.result = result;
    await stage.answered?.(one);
  };
  const [first] = all;
  const [message] = handed;
  if (way === 'saveMessagesBatch') {
    const answers = await log.persistence.saveMessagesBatch(handed);
    if (answers.length !== all.length) throw new Error(`${answers.length} answers for a batch of ${all.length}`);
    await Promise.all(all.map((one, index) => tell(one, answers[index] === true)));
  } else if (first === undefined || message === undefined) {
    throw new Error(`${way} without a message`);
  } else if (way === 'saveAgentMessage') {
    const { content, metadata } = message;
    await tell(first, await log.persistence.saveAgentMessage(message.planId, message.agentName, content, metadata));
  } else if (way === 'persistMessage') {
    const result = await log.persistMessage(message, stage.manager?.(message.planId));
    await tell(first, result.databaseSaved, result);
  } else {
    if (way === 'streamed') await stream(log, first);
    const result = await log.save(message);
    await tell(first, result.status === 'stored', result);
  }
}

let streams = 0;

/** Shows the text while it is being written. */
async function stream({ live }: Stage['log'], { planId, agentName, said: { content } }: Written): Promise<void> {
  const streamId = `stream ${++streams}`;
  live.streamStarted(planId, streamId, agentName);
  for (const delta of content.match(/.{1,7}/gs)?.slice(0, 50) ?? []) {
    live.streamDelta(planId, streamId, agentName, delta);
    await new Promise((resolve) => setImmediate(resolve));
  }
  live.streamEnded(planId, streamId, agentName, content);
}

/** The agent as a LangGraph graph: a node for each step, in a row, that returns the step's messages. */
async function performGraph(
  planId: string,
  { name, steps }: AgentScript,
  stage: Stage,
  written: Written[],
  next: (pause: number) => Promise<void>,
): Promise<void> {
  if (steps.length === 0) return;
  // biome-ignore lint/suspicious/noExplicitAny: the builder's type grows with each node
  const builder = new StateGraph(MessagesAnnotation) as any;
  let before: string = START;
  let returned: Written[] = [];
  const goOn = async (): Promise<void> => {
    for (const one of returned) one.stored = true;
    for (const one of returned) await stage.answered?.(one);
    returned = [];
  };
  steps.forEach(({ messages, pause }, index) => {
    const node = `step${index + 1}`;
    builder.addNode(node, async () => {
      await goOn();
      await next(pause);
      returned = messages.map(({ content }) => {
        const metadata = { langgraph_node: node, langgraph_step: index + 1 };
        return note(planId, name, { content, metadata });
      });
      written.push(...returned);
      return { messages: messages.map(({ content }) => new AIMessage({ content, name })) };
    });
    builder.addEdge(before, node);
    before = node;
  });
  const graph = durable(builder.compile(), { log: stage.log, planId });
  await graph.invoke({ messages: [] }, { recursionLimit: steps.length + 5 });
  await goOn();
}
