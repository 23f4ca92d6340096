import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { END, entrypoint, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { describe, expect, test } from 'vitest';
import { Runner } from '../../src/runs/runner.ts';
import type { CompiledGraph } from '../../src/runs/teams/compiledGraph.ts';
import { graphTeam } from '../../src/runs/teams/graphTeam.ts';
import { ScriptedModel } from '../agents/scriptedModel.ts';
import { temporaryLog, watch } from './temporaryLog.ts';

type State = typeof MessagesAnnotation.State;
type Node = (state: State, config: { signal?: AbortSignal }) => Promise<Partial<State>>;

/** A graph of one node. */
function graphOf(node: Node) {
  return new StateGraph(MessagesAnnotation).addNode('speaker', node).addEdge(START, 'speaker').addEdge('speaker', END);
}

async function run(graph: CompiledGraph) {
  const { indelible } = temporaryLog();
  const runner = new Runner(indelible, [graphTeam(graph, { id: 'graph', name: 'The graph' })]);
  const seen = await watch(indelible, 'p');
  const { ended } = await runner.start({ description: 'Say something', planId: 'p' });
  const status = await ended;
  const messages = await indelible.persistence.getMessagesForPlan('p');
  return { status, seen, runner, said: messages.map(({ agentName, content }) => `${agentName}: ${content}`) };
}

describe('a team that is a graph', () => {
  test('is given the task as a human message, in the thread of its plan', async () => {
    let given: State | undefined;
    let thread: unknown;
    await run(
      graphOf(async (state, config) => {
        given = state;
        thread = (config as { configurable?: { thread_id?: unknown } }).configurable?.thread_id;
        return {};
      }).compile(),
    );
    expect(given?.messages).toHaveLength(1);
    expect(given?.messages[0]?.getType()).toBe('human');
    expect(given?.messages[0]?.content).toBe('Say something');
    expect(thread).toBe('p');
  });

  test('has each message stored once, under its node’s name, and no copy of the task', async () => {
    const model = new ScriptedModel(['I say this.', 'And that.']);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('first', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addNode('second', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addEdge(START, 'first')
      .addEdge('first', 'second')
      .compile();
    const { status, said } = await run(graph);
    expect(status).toBe('completed');
    expect(said).toEqual(['first: I say this.', 'second: And that.', 'The graph: And that.']);
  });

  test('has the task among its messages if one of its nodes says it', async () => {
    const { said } = await run(
      graphOf(async ({ messages }) => {
        return { messages: [new HumanMessage(String(messages[0]!.content)), new AIMessage('I heard.')] };
      }).compile(),
    );
    expect(said).toEqual(['speaker: Say something', 'speaker: I heard.', 'The graph: I heard.']);
  });

  test('streams what its models write, although it is invoked', async () => {
    const model = new ScriptedModel(['One two three']);
    const { seen } = await run(
      graphOf(async ({ messages }) => ({ messages: [await model.invoke(messages)] })).compile(),
    );
    expect(seen.flatMap((one) => ('delta' in one ? [one.delta] : []))).toEqual(['One ', 'two ', 'three']);
  });

  test.each<[string, Node, string]>([
    [
      'that of its last AI message',
      async () => ({ messages: [new AIMessage('a'), new AIMessage('b')] }),
      'The graph: b',
    ],
    [
      'told under that message’s own name',
      async () => ({ messages: [new AIMessage({ content: 'a', name: 'Ann' })] }),
      'Ann: a',
    ],
    [
      'that of the last one with text',
      async () => ({ messages: [new AIMessage('a'), new AIMessage('')] }),
      'The graph: a',
    ],
    [
      'made of its text blocks',
      async () => ({
        messages: [
          new AIMessage([
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ]),
        ],
      }),
      'The graph: ab',
    ],
    [
      'a plain sentence if there is none',
      async () => ({}),
      'The graph: The team has finished. It wrote no closing answer.',
    ],
  ])('has as its result the text %s', async (_which, node, result) => {
    const { said, status } = await run(graphOf(node).compile());
    expect(said.at(-1)).toBe(result);
    expect(status).toBe('completed');
  });

  test('fails its run when a node fails, and keeps what was said before', async () => {
    const model = new ScriptedModel(['Before.']);
    const graph = graphOf(async ({ messages }) => {
      await model.invoke(messages);
      throw new Error('the node is broken');
    });
    const { said, status } = await run(graph.compile());
    expect(status).toBe('failed');
    expect(said).toEqual(['speaker: Before.', 'System: The run failed: the node is broken']);
  });

  test('stops between its nodes when it is asked to', async () => {
    const { indelible } = temporaryLog();
    let begun = () => {};
    const inside = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const heeding: Node = (_state, { signal }) => {
      begun();
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    };
    const runner = new Runner(indelible, [graphTeam(graphOf(heeding).compile(), { id: 'graph', name: 'The graph' })]);
    const { ended } = await runner.start({ description: 'For ever', planId: 'p' });
    await inside;
    await runner.close(60_000);
    expect(await ended).toBe('failed');
    expect(await indelible.store.plans.find('p')).toMatchObject({ status: 'failed' });
  });

  test('may be a workflow of LangGraph’s functional API', async () => {
    const flow = entrypoint('flow', async ({ messages }: State) => ({
      messages: [...messages, new AIMessage('Done.')],
    }));
    const { status, said } = await run(flow);
    expect(status).toBe('completed');
    expect(said.at(-1)).toBe('The graph: Done.');
    expect(said.filter((line) => line.endsWith('Say something'))).toEqual([]);
  });

  test('names its nodes as its agents', () => {
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('poet', async () => ({}))
      .addNode('critic', async () => ({}))
      .addEdge(START, 'poet')
      .addEdge('poet', 'critic')
      .compile();
    const { agents } = graphTeam(graph, { id: 'graph', name: 'The graph' });
    expect(agents.map(({ name }) => name)).toEqual(['poet', 'critic']);
  });

  test('cannot be made of what is no graph', () => {
    const make = () => graphTeam({} as CompiledGraph, { id: 'graph', name: 'The graph' });
    expect(make).toThrow(expect.objectContaining({ code: 'team_unusable', field: 'graph' }));
  });
});
