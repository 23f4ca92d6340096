import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import {
  Annotation,
  Command,
  entrypoint,
  type LangGraphRunnableConfig,
  MessagesAnnotation,
  MessagesZodMeta,
  MessagesZodState,
  START,
  StateGraph,
  task,
} from '@langchain/langgraph';
import { createReactAgent, ToolNode } from '@langchain/langgraph/prebuilt';
import { registry } from '@langchain/langgraph/zod';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { durable, durableNode } from '../../src/agents/langgraph.ts';
import { RecordingLog, sleep } from './recordingLog.ts';
import { ScriptedModel } from './scriptedModel.ts';

type State = typeof MessagesAnnotation.State;
const planId = 'plan-1';
const question = { messages: [new HumanMessage('a question')] };

const weather = tool(
  async ({ city }) => {
    await sleep(city === 'far' ? 60 : 0);
    if (city === 'none') throw new Error('no such city');
    return `sunny in ${city}`;
  },
  { name: 'weather', description: 'the weather', schema: z.object({ city: z.string() }) },
);
const call = (city: string, id: string) => ({ name: 'weather', args: { city }, id });

/** A node that has a model answer. */
const says = (...lines: ConstructorParameters<typeof ScriptedModel>[0]) => {
  const model = new ScriptedModel(lines);
  return async ({ messages }: State) => ({ messages: [await model.invoke(messages)] });
};

describe('agents with tools', () => {
  test('tool calls, each tool’s result and the answer are saved in turn, before the agent goes on', async () => {
    const log = new RecordingLog({ delayMs: 60 });
    const asked = new ScriptedModel([{ calls: [call('far', 'c1'), call('near', 'c2')] }, 'all sunny']);
    const ask = asked._streamResponseChunks.bind(asked);
    asked._streamResponseChunks = (...args) => {
      log.note('model asked');
      return ask(...args);
    };
    await durable(createReactAgent({ llm: asked, tools: [weather], name: 'forecaster' }), { log, planId }).invoke(
      question,
    );
    expect(log.timeline.filter((event) => !event.startsWith('shown'))).toEqual([
      'model asked',
      'saving forecaster: tool call',
      'saved forecaster: tool call',
      'saving weather: sunny in near',
      'saving weather: sunny in far',
      'saved weather: sunny in near',
      'saved weather: sunny in far',
      'model asked',
      'saving forecaster: all sunny',
      'saved forecaster: all sunny',
    ]);
    expect(log.messages).toMatchObject([
      { agentType: 'agent', content: '', metadata: { tool_calls: [call('far', 'c1'), call('near', 'c2')] } },
      { agentType: 'tool', agentName: 'weather', metadata: { tool_call_id: 'c2' } },
      { agentType: 'tool', agentName: 'weather', metadata: { tool_call_id: 'c1' } },
      { agentType: 'agent', metadata: { langgraph_node: 'agent' } },
    ]);
  });

  test('a tool’s result is saved when the tool ends, though other tools of the node go on', async () => {
    const log = new RecordingLog();
    const agent = createReactAgent({
      llm: new ScriptedModel([{ calls: [call('far', 'c1'), call('near', 'c2')] }, 'done']),
      tools: [weather],
      version: 'v1',
    });
    const run = durable(agent, { log, planId }).invoke(question);
    await vi.waitFor(() => expect(log.said).toEqual(['agent: ', 'weather: sunny in near']), { interval: 2 });
    await run;
    expect(log.said).toEqual(['agent: ', 'weather: sunny in near', 'weather: sunny in far', 'agent: done']);
  });

  test('a tool that fails, or that there is none of, answers by its node: saved under the name it was called by', async () => {
    const log = new RecordingLog();
    const calls = [call('none', 'c1'), { name: 'oracle', args: {}, id: 'c2' }];
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('agent', says({ calls }))
      .addNode('tools', new ToolNode([weather]))
      .addEdge(START, 'agent')
      .addEdge('agent', 'tools')
      .compile();
    await durable(graph, { log, planId }).invoke(question);
    expect(log.messages.slice(1)).toMatchObject([
      { agentName: 'weather', agentType: 'tool', metadata: { status: 'error', tool_call_id: 'c1' } },
      { agentName: 'oracle', agentType: 'tool', metadata: { status: 'error', tool_call_id: 'c2' } },
    ]);
    expect(log.messages).toHaveLength(3);
  });

  test('a tool’s result without a name has the name by which the tool was called', async () => {
    const log = new RecordingLog();
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('agent', says({ calls: [call('near', 'c1')] }))
      .addNode('tools', () => ({ messages: [new ToolMessage({ content: 'by hand', tool_call_id: 'c1' })] }))
      .addEdge(START, 'agent')
      .addEdge('agent', 'tools')
      .compile();
    await durable(graph, { log, planId }).invoke(question);
    expect(log.said).toEqual(['agent: ', 'weather: by hand']);
  });

  test('a node that returns a tool’s result in a message of its own: equal is the same message, other is another', async () => {
    const log = new RecordingLog();
    const node = (change: (text: string) => string) => async () => {
      const { content } = (await weather.invoke({ ...call('near', 'c1'), type: 'tool_call' })) as ToolMessage;
      return { messages: [new ToolMessage({ content: change(String(content)), name: 'weather', tool_call_id: 'c1' })] };
    };
    const graph = new StateGraph(MessagesAnnotation)
      .addNode(
        'plain',
        node((text) => text),
      )
      .addNode(
        'loud',
        node((text) => text.toUpperCase()),
      )
      .addEdge(START, 'plain')
      .addEdge('plain', 'loud')
      .compile();
    await durable(graph, { log, planId }).invoke(question);
    expect(log.said).toEqual(['weather: sunny in near', 'weather: sunny in near', 'weather: SUNNY IN NEAR']);
    expect(new Set(log.messages.map(({ messageId }) => messageId)).size).toBe(3);
  });

  test('a hand-over to another agent (a Command for the parent graph) loses no message', async () => {
    const log = new RecordingLog();
    const handOver = tool(
      (_input, config) =>
        new Command({
          graph: Command.PARENT,
          goto: 'bob',
          update: {
            messages: [
              new ToolMessage({ content: 'over to bob', name: 'hand_over', tool_call_id: config.toolCall.id }),
            ],
          },
        }),
      { name: 'hand_over', description: 'to bob', schema: z.object({}) },
    );
    const alice = createReactAgent({
      llm: new ScriptedModel([{ calls: [{ name: 'hand_over', args: {}, id: 'c1' }] }]),
      tools: [handOver],
      name: 'alice',
    });
    const leave = () =>
      new Command({ graph: Command.PARENT, goto: 'carol', update: { messages: [new AIMessage('bye')] } });
    const bob = new StateGraph(MessagesAnnotation).addNode('leave', leave).addEdge(START, 'leave').compile();
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('alice', alice, { ends: ['bob'] })
      .addNode('bob', bob, { ends: ['carol'] })
      .addNode('carol', says('hello'))
      .addEdge(START, 'alice')
      .compile();
    const { messages } = await durable(graph, { log, planId }).invoke(question);
    expect(messages.at(-1)?.text).toBe('hello');
    expect(log.said).toEqual(['alice: ', 'hand_over: over to bob', 'leave: bye', 'carol: hello']);
  });
});

describe('graphs within graphs', () => {
  const inner = (name: string) =>
    new StateGraph(MessagesAnnotation)
      .addNode(name, async (state: State) => {
        const { messages } = await says('heard')(state);
        return { messages: [...messages, new AIMessage('made'), { role: 'ai', content: 'short' }] };
      })
      .addEdge(START, name)
      .compile();

  test.each(['as a node', 'called by a node'])(
    'a subgraph %s is saved once, by the names of its own nodes',
    async (how) => {
      const log = new RecordingLog({ delayMs: 5 });
      const graph = new StateGraph(MessagesAnnotation)
        .addNode('outer', how === 'as a node' ? inner('child') : async (state: State) => inner('child').invoke(state))
        .addNode('next', () => {
          log.note('next starts');
          return { messages: [new AIMessage('last')] };
        })
        .addEdge(START, 'outer')
        .addEdge('outer', 'next')
        .compile();
      await durable(graph, { log, planId }).invoke(question);
      expect(log.said).toEqual(['child: heard', 'child: made', 'child: short', 'next: last']);
      expect(log.timeline.indexOf('saved child: short')).toBeLessThan(log.timeline.indexOf('next starts'));
    },
  );

  test('what a node makes of a subgraph’s result is a message of its own', async () => {
    const log = new RecordingLog();
    const report = async (state: State) => {
      const { messages } = await inner('worker').invoke(state);
      return { messages: [new HumanMessage({ content: `report: ${messages.at(-1)?.text}`, name: 'Researcher' })] };
    };
    const graph = new StateGraph(MessagesAnnotation).addNode('research', report).addEdge(START, 'research').compile();
    await durable(graph, { log, planId }).invoke(question);
    expect(log.said.at(-1)).toBe('Researcher: report: short');
    expect(log.messages.at(-1)?.agentType).toBe('user');
    expect(log.messages).toHaveLength(4);
  });

  test('a durable graph within a durable graph of the same log and plan records each thing once', async () => {
    const log = new RecordingLog();
    const options = { log, planId };
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('outer', durable(inner('child'), options))
      .addNode('fn', async (state: State) => durable(inner('called'), options).invoke(state))
      .addNode('node', durableNode('node', says('mine'), options))
      .addEdge(START, 'outer')
      .addEdge('outer', 'fn')
      .addEdge('fn', 'node')
      .compile();
    await durable(graph, options).invoke(question);
    const words = ['heard', 'made', 'short'];
    expect(log.said).toEqual([...words.map((w) => `child: ${w}`), ...words.map((w) => `called: ${w}`), 'node: mine']);
    expect(
      [...log.shown.values()].every((shown) => shown.filter((what) => what.startsWith('start')).length === 1),
    ).toBe(true);
  });

  test('a durable graph of another plan within it is saved to both plans', async () => {
    const log = new RecordingLog();
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('outer', durable(inner('child'), { log, planId: 'sub-plan' }))
      .addEdge(START, 'outer')
      .compile();
    await durable(graph, { log, planId }).invoke(question);
    for (const plan of [planId, 'sub-plan']) {
      expect(log.messages.filter((message) => message.planId === plan).map(({ content }) => content)).toEqual([
        'heard',
        'made',
        'short',
      ]);
    }
  });

  test('the model node of a ready-made agent speaks by the agent’s name, else by that of the node it stands in', async () => {
    const log = new RecordingLog();
    const agent = (line: string, name?: string) =>
      createReactAgent({ llm: new ScriptedModel([line]), tools: [weather], ...(name ? { name } : {}) });
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('first', agent('one', 'alice'))
      .addNode('second', agent('two'))
      .addEdge(START, 'first')
      .addEdge('first', 'second')
      .compile();
    await durable(graph, { log, planId }).invoke(question);
    await durable(agent('three'), { log, planId }).invoke(question);
    expect(log.said).toEqual(['alice: one', 'second: two', 'agent: three']);
  });
});

describe('kinds of graphs', () => {
  const Described = z.object({
    messages: z.custom<BaseMessage[]>().register(registry, MessagesZodMeta as never),
    done: z.boolean().default(false),
  });
  const node = async () => ({ messages: [await new ScriptedModel(['hello']).invoke('x'), new AIMessage('bye')] });

  // LangGraph's types of zod states clash with `exactOptionalPropertyTypes`; what they do at run time is the same.
  const of = (shape: unknown) =>
    new StateGraph(shape as typeof MessagesAnnotation).addNode('writer', node).addEdge(START, 'writer').compile();

  test.each<[string, unknown]>([
    ['MessagesAnnotation', MessagesAnnotation],
    ['MessagesZodState', MessagesZodState],
    ['zod', Described],
  ])('a state described by %s', async (_by, shape) => {
    const log = new RecordingLog();
    const { messages } = await durable(of(shape), { log, planId }).invoke(question);
    expect(messages).toHaveLength(3);
    expect(log.said).toEqual(['writer: hello', 'writer: bye']);
  });

  test('messages under other keys than `messages`', async () => {
    const log = new RecordingLog();
    const Team = Annotation.Root({
      transcript: Annotation<AIMessage[]>({ reducer: (old, now) => [...old, ...now], default: () => [] }),
      verdict: Annotation<AIMessage>,
      notes: Annotation<string[]>,
    });
    const graph = new StateGraph(Team)
      .addNode('judge', () => ({
        transcript: [new AIMessage('considering')],
        verdict: new AIMessage('guilty'),
        notes: ['x'],
      }))
      .addNode('clerk', ({ transcript, verdict }) => ({ transcript: [verdict, ...transcript] }))
      .addEdge(START, 'judge')
      .addEdge('judge', 'clerk')
      .compile();
    await durable(graph, { log, planId }).invoke({});
    expect(log.said).toEqual(['judge: considering', 'judge: guilty']);
  });

  test('the functional API: tasks and an entrypoint', async () => {
    const log = new RecordingLog({ delayMs: 20 });
    const draft = task('draft', async (topic: string) => new ScriptedModel([`on ${topic}`]).invoke('x'));
    const check = task('check', async (text: string) => {
      log.note('check starts');
      return new AIMessage(`checked: ${text}`);
    });
    const flow = entrypoint({ name: 'flow' }, async (topic: string) => {
      const written = await draft(topic);
      return [written, await check(written.text), new AIMessage('published')];
    });
    await durable(flow, { log, planId }).invoke('tea');
    expect(log.said).toEqual(['draft: on tea', 'check: checked: on tea', 'flow: published']);
    expect(log.timeline.indexOf('saved draft: on tea')).toBeLessThan(log.timeline.indexOf('check starts'));
  });

  test('a model by itself', async () => {
    const log = new RecordingLog();
    await durable(new FakeListChatModel({ responses: ['hi'] }), { log, planId }).invoke('x');
    expect(log.said).toEqual(['agent: hi']);
  });
});

describe('what is left out', () => {
  const tagged = (tag: string, line: string) => new ScriptedModel([line]).withConfig({ tags: [tag] });

  test('a model tagged indelible:skip is neither shown nor saved, not even when a node returns its answer', async () => {
    const log = new RecordingLog();
    const node = async () => ({
      messages: [await tagged('indelible:skip', 'secret').invoke('x'), new AIMessage('public')],
    });
    const graph = new StateGraph(MessagesAnnotation).addNode('node', node).addEdge(START, 'node').compile();
    await durable(graph, { log, planId }).invoke(question);
    expect(log.said).toEqual(['node: public']);
    expect(log.shown.size).toBe(0);
  });

  test('a model tagged nostream is not shown, and saved only if a node returns its answer', async () => {
    const log = new RecordingLog();
    const node = async () => {
      await tagged('nostream', 'internal').invoke('x');
      return { messages: [await tagged('langsmith:nostream', 'returned').invoke('x')] };
    };
    const graph = new StateGraph(MessagesAnnotation).addNode('node', node).addEdge(START, 'node').compile();
    await durable(graph, { log, planId }).invoke(question);
    expect(log.said).toEqual(['node: returned']);
    expect(log.shown.size).toBe(0);
  });

  test('an answer that no node returns is saved all the same', async () => {
    const log = new RecordingLog();
    const node = async () => {
      await new ScriptedModel(['thinking aloud']).invoke('x');
      return {};
    };
    const graph = new StateGraph(MessagesAnnotation).addNode('node', node).addEdge(START, 'node').compile();
    await durable(graph, { log, planId }).invoke(question);
    expect(log.said).toEqual(['node: thinking aloud']);
  });
});

describe('a durable node', () => {
  test('saves what it does before the next node starts, in a graph that knows nothing of it', async () => {
    const log = new RecordingLog({ delayMs: 60 });
    const writer = async (state: State) => ({
      messages: [...(await says('one two')(state)).messages, new AIMessage('three')],
    });
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('writer', durableNode('Writer', writer, { log, planId }))
      .addNode('other', async (state) => {
        log.note('other starts');
        return says('not recorded')(state);
      })
      .addEdge(START, 'writer')
      .addEdge('writer', 'other')
      .compile();
    const { messages } = await graph.invoke(question);
    expect(messages.map(({ text }) => text)).toEqual(['a question', 'one two', 'three', 'not recorded']);
    expect(log.timeline).toEqual([
      'shown start Writer',
      'shown one ',
      'shown two',
      'shown end one two',
      'saving Writer: one two',
      'saved Writer: one two',
      'saving Writer: three',
      'saved Writer: three',
      'other starts',
    ]);
  });

  test('saves what it returns before an edge decides by it', async () => {
    const log = new RecordingLog({ delayMs: 20 });
    const graph = new StateGraph(MessagesAnnotation)
      .addNode(
        'bot',
        durableNode('bot', () => ({ messages: [new AIMessage('left')] }), { log, planId }),
      )
      .addNode('left', () => ({}))
      .addConditionalEdges('bot', () => {
        log.note('edge decides');
        return 'left' as const;
      })
      .addEdge(START, 'bot')
      .compile();
    await graph.invoke(question);
    expect(log.timeline).toEqual(['saving bot: left', 'saved bot: left', 'edge decides']);
  });

  test('may be a runnable, and is heard in whatever else listens', async () => {
    const log = new RecordingLog();
    const heard: string[] = [];
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('agent', says({ calls: [call('near', 'c1'), call('none', 'c2')] }))
      .addNode('tools', durableNode('tools', new ToolNode([weather]), { log }))
      .addEdge(START, 'agent')
      .addEdge('agent', 'tools')
      .compile();
    const callbacks = [{ handleToolEnd: () => void heard.push('tool ended') }];
    await graph.invoke(question, { callbacks, configurable: { thread_id: 'thread-7' } });
    expect(log.messages).toMatchObject([
      { planId: 'thread-7', agentName: 'weather', content: 'sunny in near' },
      { planId: 'thread-7', agentName: 'weather', metadata: { status: 'error' } },
    ]);
    expect(log.messages).toHaveLength(2);
    expect(heard).toEqual(['tool ended']);
  });

  test('that fails gives its own error, and what it had said is saved', async () => {
    const log = new RecordingLog();
    const failure = new Error('afterwards');
    const writer = async (state: State) => {
      await says('hello')(state);
      throw failure;
    };
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('writer', durableNode('writer', writer, { log, planId }))
      .addEdge(START, 'writer')
      .compile();
    await expect(graph.invoke(question)).rejects.toBe(failure);
    expect(log.said).toEqual(['writer: hello']);
  });

  test('is given the whole config of the graph, and what it calls through it is heard', async () => {
    const log = new RecordingLog();
    const model = new ScriptedModel(['one', 'two']);
    const writer = async (state: State, config: LangGraphRunnableConfig) => {
      config.writer?.('custom');
      return { messages: [await model.invoke(state.messages, config), await model.invoke(state.messages)] };
    };
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('writer', durableNode('writer', writer, { log, planId }))
      .addEdge(START, 'writer')
      .compile();
    const streamed = await Array.fromAsync(await graph.stream(question, { streamMode: ['custom', 'messages'] }));
    expect(streamed[0]).toEqual(['custom', 'custom']);
    expect(streamed.filter(([mode]) => mode === 'messages')).not.toHaveLength(0);
    expect(log.said).toEqual(['writer: one', 'writer: two']);
  });

  test('works by itself, as a function', async () => {
    const log = new RecordingLog();
    const node = durableNode('writer', says('hello'), { log, planId });
    const { messages } = await node({ messages: [] });
    expect(messages.map(({ text }) => text)).toEqual(['hello']);
    expect(log.said).toEqual(['writer: hello']);
  });
});
