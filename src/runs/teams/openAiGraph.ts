import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import type { RunnableConfig } from '@langchain/core/runnables';
import { tool } from '@langchain/core/tools';
import { Annotation, END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';
import { textOf } from '../../agents/langchainMessage.ts';

import { IndelibleError } from '../../protocol/errors.ts';
import type { FinalResult, RunContext } from '../team.ts';
import { evaluateArithmetic } from './arithmetic.ts';
import { askModel } from './askModel.ts';
import { runGraph } from './graphRun.ts';
import type { ModelEndpoint } from './modelEndpoint.ts';

const planner = `You plan for a small team. Break the user's task into at most five short, numbered steps. The worker
after you can think, write, read the clock and calculate; it reaches neither the web nor files. Write only the steps.`;

const worker = `You do the work that was planned. Use the clock for dates and times and the calculator for arithmetic,
rather than guess. When you have what you need, write down what you found, briefly; say plainly what you could not do.`;

const writer = `You write the answer that the user will read, from the notes of the worker, in the language of the task.
Answer the task itself; do not describe how the team worked. Add no facts that the notes do not have.`;

const totalSteps = 3;
/** How often the worker may call tools, so that a model that never stops costs little. */
const maxToolRounds = 8;

const State = Annotation.Root({
  plan: Annotation<string>(),
  /** The worker's turns and its tools' results. */
  ...MessagesAnnotation.spec,
  answer: Annotation<string>(),
});

/**
 * Planner → Worker ⇄ tools → Writer. Each agent is asked with a conversation that ends with the user's turn or a tool's
 * result: not all endpoints accept one that ends with an answer.
 */
export async function runOpenAiGraph(
  context: RunContext,
  endpoint: ModelEndpoint,
  now: () => number,
): Promise<FinalResult> {
  const { description: task } = context;
  const tools = [clock(now), calculator];
  const model = chatModel(endpoint);
  const modelWithTools = model.bindTools(tools);
  const step = (currentStep: number, agentName: string, description: string) =>
    context.progress({ currentStep, totalSteps, agentName, description });

  const graph = new StateGraph(State)
    .addNode('Planner', async (_state, config: RunnableConfig) => {
      step(1, 'Planner', 'Plans the work');
      const asked = [new SystemMessage(planner), new HumanMessage(task)];
      return { plan: textOf((await askModel(model, asked, endpoint, config)).content) };
    })
    .addNode('Worker', async ({ plan, messages }, config: RunnableConfig) => {
      if (messages.length === 0) step(2, 'Worker', 'Works on the plan');
      const asked = [new SystemMessage(worker), new HumanMessage(`Task:\n${task}\n\nPlan:\n${plan}`), ...messages];
      return { messages: [await askModel(modelWithTools, asked, endpoint, config)] };
    })
    .addNode('tools', new ToolNode(tools))
    .addNode('Writer', async ({ messages }, config: RunnableConfig) => {
      step(3, 'Writer', 'Writes the answer');
      const notes = messages.map(({ content }) => textOf(content)).filter((text) => text !== '');
      const asked = [new SystemMessage(writer), new HumanMessage(`Task:\n${task}\n\nNotes:\n${notes.join('\n\n')}`)];
      return { answer: textOf((await askModel(model, asked, endpoint, config)).content) };
    })
    .addEdge(START, 'Planner')
    .addEdge('Planner', 'Worker')
    .addConditionalEdges('Worker', ({ messages }) => (wantsTools(messages) ? 'tools' : 'Writer'), ['tools', 'Writer'])
    .addEdge('tools', 'Worker')
    .addEdge('Writer', END)
    .compile();

  const state = await runGraph(graph, context, () => ({ messages: [] }));
  const { answer } = state as typeof State.State;
  if (answer.trim() !== '') return { agentName: 'Writer', content: answer };
  throw new IndelibleError('run_failed', { message: `the model ${endpoint.model} gave an empty answer` });
}

function wantsTools(messages: (typeof State.State)['messages']): boolean {
  const { tool_calls: calls = [] } = (messages.at(-1) ?? {}) as { tool_calls?: readonly unknown[] };
  const rounds = messages.filter((message) => message.getType() === 'ai').length;
  return calls.length > 0 && rounds <= maxToolRounds;
}

/** It streams because the log's handler asks for it; `streaming: true` would count tokens by tables from the network. */
function chatModel({ baseUrl, apiKey = 'none', model, maxRetries }: ModelEndpoint): ChatOpenAI {
  return new ChatOpenAI({ model, apiKey, maxRetries, configuration: { baseURL: baseUrl } });
}

function clock(now: () => number) {
  return tool(() => new Date(now()).toISOString(), {
    name: 'clock',
    description: 'The date and time now, ISO 8601, UTC.',
    schema: z.object({}),
  });
}

const calculator = tool(({ expression }) => String(evaluateArithmetic(expression)), {
  name: 'calculator',
  description: 'The value of an arithmetic expression: numbers, + - * / % ^ and parentheses.',
  schema: z.object({ expression: z.string().describe('For example (3 + 4) * 2.5') }),
});
