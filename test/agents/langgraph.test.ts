import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AIMessage, HumanMessage, RemoveMessage } from '@langchain/core/messages';
import { FakeListChatModel, FakeStreamingChatModel } from '@langchain/core/utils/testing';
import {
  Annotation,
  Command,
  MemorySaver,
  MessagesAnnotation,
  Overwrite,
  Send,
  START,
  StateGraph,
} from '@langchain/langgraph';
import { describe, expect, test, vi } from 'vitest';
import { durable, openIndelible } from '../../src/agents/langgraph.ts';
import { RecordingLog, sleep, unwatched } from './recordingLog.ts';
import { ScriptedModel } from './scriptedModel.ts';

type State = typeof MessagesAnnotation.State;
const planId = 'plan-1';
const question = { messages: [new HumanMessage('a question')] };

/** A graph of nodes in a row; each notes its start on the log's line of time. */
function row(log: RecordingLog, nodes: Record<string, (state: State) => unknown>) {
  // biome-ignore lint/suspicious/noExplicitAny: the builder's type grows with each node
  const builder = new StateGraph(MessagesAnnotation) as any;
  let before: string = START;
  for (const [name, node] of Object.entries(nodes)) {
    builder.addNode(name, (state: State) => {
      log.note(`${name} starts`);
      return node(state);
    });
    builder.addEdge(before, name);
    before = name;
  }
  return builder as StateGraph<typeof MessagesAnnotation.spec, State, Partial<State>, string>;
}

const says = (model: { invoke(messages: State['messages']): Promise<AIMessage> }) => async (state: State) => ({
  messages: [await model.invoke(state.messages)],
});

function expectInOrder(timeline: readonly string[], ...events: string[]): void {
  const places = events.map((event) => timeline.indexOf(event));
  expect(places, `${events.join(' < ')} in ${JSON.stringify(timeline)}`).not.toContain(-1);
  expect(places).toEqual([...places].sort((a, b) => a - b));
}

/** Loses what comes while it is down, as when the process dies between a node's end and its checkpoint. */
class CrashingSaver extends MemorySaver {
  isDown = false;

  override put(...args: Parameters<MemorySaver['put']>): ReturnType<MemorySaver['put']> {
    return this.isDown ? Promise.reject(new Error('crashed')) : super.put(...args);
  }

  override putWrites(...args: Parameters<MemorySaver['putWrites']>): Promise<void> {
    return this.isDown ? Promise.reject(new Error('crashed')) : super.putWrites(...args);
  }
}

describe('a message is in the log before the graph goes on', () => {
  test("a model's answer is saved before the node goes on, and so before the next node starts", async () => {
    const log = new RecordingLog({ delayMs: 80 });
    const model = new FakeListChatModel({ responses: ['an answer'] });
    const writer = async (state: State) => {
      const messages = [await model.invoke(state.messages)];
      log.note('writer goes on');
      return { messages };
    };
    await durable(row(log, { writer, editor: () => ({}) }).compile(), { log, planId }).invoke(question);
    expectInOrder(log.timeline, 'saved writer: an answer', 'writer goes on', 'editor starts');
    expect(log.messages).toHaveLength(1);
  });

  test.each<[string, unknown]>([
    ['a message', { messages: new AIMessage('made here') }],
    ['an array of messages', { messages: [new AIMessage('made here')] }],
    ['a message in LangChain’s short form', { messages: [{ role: 'assistant', content: 'made here' }] }],
    ['a pair of role and text', { messages: [['ai', 'made here']] }],
    ['a Command', new Command({ update: { messages: [new AIMessage('made here')] } })],
    ['a Command with a list of pairs', new Command({ update: [['messages', [new AIMessage('made here')]]] })],
    ['a Command with a pair of short forms', new Command({ update: [['messages', [['ai', 'made here']]]] })],
    ['an Overwrite', { messages: new Overwrite([new AIMessage('made here')]) }],
    ['several Commands', [new Command({ update: { messages: [new AIMessage('made here')] } }), new Command({})]],
  ])('what a node makes itself is saved before the next node starts: %s', async (_form, made) => {
    const log = new RecordingLog({ delayMs: 80 });
    await durable(row(log, { maker: () => made, next: () => ({}) }).compile(), { log, planId }).invoke(question);
    expectInOrder(log.timeline, 'maker starts', 'saving maker: made here', 'saved maker: made here', 'next starts');
    expect(log.messages).toMatchObject([
      { agentType: 'agent', metadata: { langgraph_node: 'maker', langgraph_step: 1 } },
    ]);
  });

  test('a reader of the database finds each message when the next node starts', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'indelible-langgraph-'));
    const indelible = await openIndelible({ store: `sqlite:${join(folder, 'log.db')}` });
    const read = async () => (await indelible.persistence.getMessagesForPlan(planId)).map(({ content }) => content);
    const found: string[][] = [];
    const look = async () => {
      found.push(await read());
      return { messages: [new AIMessage(`looked ${found.length}`)] };
    };
    const writer = says(new ScriptedModel([{ text: 'an answer', id: 'chatcmpl-1' }]));
    const graph = row(new RecordingLog(), { writer, look, lookAgain: look });
    await durable(graph.compile(), { log: indelible, planId }).invoke(question);
    expect([...found, await read()]).toEqual([
      ['an answer'],
      ['an answer', 'looked 1'],
      ['an answer', 'looked 1', 'looked 2'],
    ]);
    await indelible.close();
    rmSync(folder, { recursive: true });
  });

  test('what parallel branches wrote is saved before the step after them starts, each branch in its order', async () => {
    const log = new RecordingLog({ delayMs: () => Math.random() * 40 });
    const FanState = Annotation.Root({ ...MessagesAnnotation.spec, item: Annotation<number> });
    const graph = new StateGraph(FanState)
      .addNode('worker', async ({ item }) => {
        const model = new FakeListChatModel({ responses: [`${item} one`, `${item} two`] });
        return { messages: [await model.invoke('x'), await model.invoke('x'), new AIMessage(`${item} three`)] };
      })
      .addNode('join', () => {
        log.note('join starts');
        return {};
      })
      .addConditionalEdges(START, () => [1, 2, 3].map((item) => new Send('worker', { item })))
      .addEdge('worker', 'join')
      .compile();
    await durable(graph, { log, planId }).invoke({ messages: [] });
    for (const item of [1, 2, 3]) {
      const own = ['one', 'two', 'three'].map((word) => `worker: ${item} ${word}`);
      expect(log.said.filter((said) => said.startsWith(`worker: ${item}`))).toEqual(own);
      expectInOrder(log.timeline, ...own.map((said) => `saved ${said}`), 'join starts');
    }
    expect(log.messages).toHaveLength(9);
  });

  test('messages are handed to the log in the order in which they were generated', async () => {
    const log = new RecordingLog({ delayMs: () => Math.random() * 20 });
    const model = new FakeListChatModel({ responses: ['b', 'c', 'e'] });
    const graph = row(log, {
      one: () => ({ messages: [new AIMessage('a')] }),
      two: async () => ({ messages: [await model.invoke('x'), await model.invoke('x'), new AIMessage('d')] }),
      three: says(model),
      four: () => ({ messages: ['f', 'g', 'h'].map((text) => new AIMessage(text)) }),
    });
    await durable(graph.compile(), { log, planId }).invoke(question);
    expect(log.messages.map(({ content }) => content).join('')).toBe('abcdefgh');
  });
});

describe('text is live', () => {
  test('in invoke, tokens are shown as they come, under the id of the message that is saved after the end', async () => {
    const log = new RecordingLog();
    const model = new ScriptedModel(['one two three'], 10);
    const result = await durable(row(log, { writer: says(model) }).compile(), { log, planId }).invoke(question);
    const [message] = log.messages;
    expect([...log.shown]).toEqual([
      [message?.messageId, ['start writer', 'one ', 'two ', 'three', 'end one two three']],
    ]);
    expect(message?.messageId).toBe(result.messages.at(-1)?.id);
    expect(message?.messageId).toMatch(/^run-/);
    expectInOrder(log.timeline, 'shown one ', 'shown three', 'shown end one two three', 'saving writer: one two three');
  });

  test('a token is shown while the model is still writing', async () => {
    const log = new RecordingLog();
    const model = new FakeStreamingChatModel({ responses: [new AIMessage('abc')], sleep: 60 });
    const run = durable(row(log, { writer: says(model) }).compile(), { log, planId }).invoke(question);
    await vi.waitFor(() => expect(log.timeline).toContain('shown a'), { interval: 2 });
    expect(log.timeline).not.toContain('shown c');
    await run;
  });

  test.each(['invoke', 'stream', 'messages', 'v2', 'v3'] as const)('%s shows and saves the same', async (way) => {
    const log = new RecordingLog({ delayMs: 5 });
    const model = new ScriptedModel(['one two', { text: 'three four' }]);
    const nodes = { writer: says(model), static: () => ({ messages: [new AIMessage('five')] }), editor: says(model) };
    const graph = durable(row(log, nodes).compile(), { log, planId });
    if (way === 'invoke') await graph.invoke(question);
    else if (way === 'stream') for await (const _update of await graph.stream(question, { streamMode: 'updates' }));
    else if (way === 'messages') for await (const _token of await graph.stream(question, { streamMode: 'messages' }));
    else if (way === 'v2') for await (const _event of graph.streamEvents(question, { version: 'v2' }));
    else for await (const _event of await graph.streamEvents(question, { version: 'v3' }));
    expect(log.messages).toMatchObject([
      { agentName: 'writer', content: 'one two', metadata: { langgraph_node: 'writer', langgraph_step: 1 } },
      { agentName: 'static', content: 'five', metadata: { langgraph_node: 'static', langgraph_step: 2 } },
      { agentName: 'editor', content: 'three four', metadata: { langgraph_node: 'editor', langgraph_step: 3 } },
    ]);
    expect(log.messages.every(({ metadata }) => Object.keys(metadata ?? {}).length === 2)).toBe(true);
    expect([...log.shown.values()]).toEqual([
      ['start writer', 'one ', 'two', 'end one two'],
      ['start editor', 'three ', 'four', 'end three four'],
    ]);
  });

  test('models are not made to stream where nobody can watch', async () => {
    const [log, model] = [new RecordingLog(), new ScriptedModel(['one', 'two'])];
    const graph = row(log, { writer: says(model) }).compile();
    await durable(graph, { log: unwatched(log), planId }).invoke(question);
    await durable(graph, { log, planId }).invoke(question);
    expect(model.asked).toEqual(['whole', 'stream']);
    expect(log.said).toEqual(['writer: one', 'writer: two']);
  });

  test('a tool call without text opens no stream', async () => {
    const log = new RecordingLog();
    const model = new ScriptedModel([{ calls: [{ name: 'look', args: { at: 'it' }, id: 'c1' }] }]);
    await durable(row(log, { agent: says(model) }).compile(), { log, planId }).invoke(question);
    expect([...log.shown]).toEqual([]);
    expect(log.messages).toMatchObject([
      { agentName: 'agent', content: '', metadata: { tool_calls: [{ name: 'look', args: { at: 'it' }, id: 'c1' }] } },
    ]);
  });

  test('the text of a model that is left in the middle ends with its node, and what the node keeps of it is saved', async () => {
    const log = new RecordingLog();
    const model = new ScriptedModel(['one two three'], 5);
    const writer = async (state: State) => {
      for await (const chunk of await model.stream(state.messages)) return { messages: [chunk] };
      return {};
    };
    await durable(row(log, { writer, next: () => ({}) }).compile(), { log, planId }).invoke(question);
    expect([...log.shown.values()]).toEqual([['start writer', 'one ', 'end one ']]);
    expectInOrder(log.timeline, 'shown end one ', 'saved writer: one ', 'next starts');
  });
});

describe('each message once', () => {
  test('the history a run is given is not saved, nor what a node hands back of it', async () => {
    const log = new RecordingLog();
    const history = {
      messages: [new HumanMessage('hi'), new AIMessage({ content: 'hello', id: 'old' }), new HumanMessage('so?')],
    };
    const graph = row(log, {
      echo: ({ messages }) => ({ messages }),
      writer: async ({ messages }) => ({ messages: [...messages, new AIMessage('new')] }),
      again: ({ messages }) => ({ messages: messages.slice(-2) }),
    });
    await durable(graph.compile(), { log, planId }).invoke(history);
    expect(log.said).toEqual(['writer: new']);
  });

  test('history without ids is recognised too, whatever the reducer', async () => {
    const log = new RecordingLog();
    const Plain = Annotation.Root({
      messages: Annotation<unknown[]>({ reducer: (_old, now) => now, default: () => [] }),
    });
    const graph = new StateGraph(Plain)
      .addNode('one', ({ messages }) => ({ messages: [...messages, new AIMessage('1')] }))
      .addNode('two', ({ messages }) => ({ messages: [...messages, new AIMessage('2'), { role: 'ai', content: '3' }] }))
      .addNode('three', ({ messages }) => ({ messages }))
      .addEdge(START, 'one')
      .addEdge('one', 'two')
      .addEdge('two', 'three')
      .compile();
    await durable(graph, { log, planId }).invoke({
      messages: [new HumanMessage('hi'), { role: 'user', content: 'there' }],
    });
    expect(log.said).toEqual(['one: 1', 'two: 2', 'two: 3']);
  });

  test('a model’s answer is saved once though the node returns it, also when it was collected from a stream', async () => {
    const log = new RecordingLog();
    const model = new ScriptedModel(['one two', 'three four']);
    const writer = async (state: State) => {
      let whole: AIMessage | undefined;
      for await (const chunk of await model.stream(state.messages))
        whole = whole ? (whole as typeof chunk).concat(chunk) : chunk;
      return { messages: [whole, await model.invoke('x')] };
    };
    await durable(row(log, { writer }).compile(), { log, planId }).invoke(question);
    expect(log.said).toEqual(['writer: one two', 'writer: three four']);
  });

  test('an answer whose provider gave it an id is named by its run, and the provider’s id stands in the metadata', async () => {
    const log = new RecordingLog();
    const model = new ScriptedModel([
      { text: 'one', id: 'same' },
      { text: 'two', id: 'same' },
    ]);
    await durable(row(log, { a: says(model), b: says(model) }).compile(), { log, planId }).invoke(question);
    expect(log.messages).toMatchObject([
      { content: 'one', messageId: expect.stringMatching(/^run-/), metadata: { response_id: 'same' } },
      { content: 'two', messageId: expect.stringMatching(/^run-/), metadata: { response_id: 'same' } },
    ]);
    expect(new Set(log.messages.map(({ messageId }) => messageId)).size).toBe(2);
  });

  test('a message that replaces another under its id is saved as well, and says so', async () => {
    const log = new RecordingLog();
    const model = new ScriptedModel(['a rude word']);
    const graph = row(log, {
      writer: says(model),
      guard: ({ messages }) => ({ messages: [new AIMessage({ content: 'removed', id: messages.at(-1)?.id ?? '' })] }),
    });
    const { messages } = await durable(graph.compile(), { log, planId }).invoke(question);
    expect(messages).toHaveLength(2);
    expect(log.said).toEqual(['writer: a rude word', 'guard: removed']);
    expect(log.messages[1]?.metadata).toMatchObject({ replaces: log.messages[0]?.messageId });
  });

  test('removing messages is not a message', async () => {
    const log = new RecordingLog();
    const trim = ({ messages }: State) => ({ messages: messages.map(({ id }) => new RemoveMessage({ id: id ?? '' })) });
    await durable(row(log, { trim }).compile(), { log, planId }).invoke(question);
    expect(log.messages).toEqual([]);
  });

  test('equal messages of one node are two messages', async () => {
    const log = new RecordingLog();
    await durable(row(log, { bot: () => ({ messages: [new AIMessage('ok'), new AIMessage('ok')] }) }).compile(), {
      log,
      planId,
    }).invoke(question);
    expect(new Set(log.messages.map(({ messageId }) => messageId)).size).toBe(2);
  });

  test('a graph that runs twice for one plan says the same thing twice: two messages', async () => {
    const log = new RecordingLog();
    const graph = durable(row(log, { bot: () => ({ messages: [new AIMessage('ok')] }) }).compile(), { log, planId });
    await graph.invoke(question);
    await graph.invoke(question);
    expect(new Set(log.messages.map(({ messageId }) => messageId)).size).toBe(2);
  });

  test('a checkpoint that is executed again gives the same id to the same message, another id to another', async () => {
    const log = new RecordingLog();
    const checkpointer = new CrashingSaver();
    let mood = 'fine';
    const first = () => {
      checkpointer.isDown = true;
      return { messages: [new AIMessage('ok'), new AIMessage(mood)] };
    };
    const graph = durable(row(log, { first }).compile({ checkpointer }), { log, planId });
    const config = { configurable: { thread_id: 't' }, durability: 'sync' as const };
    await expect(graph.invoke(question, config)).rejects.toThrow('crashed');
    checkpointer.isDown = false;
    mood = 'cross';
    await expect(graph.invoke(null, config)).rejects.toThrow('crashed');
    const [ok, fine, okAgain, cross] = log.messages;
    expect(log.said).toEqual(['first: ok', 'first: fine', 'first: ok', 'first: cross']);
    expect(okAgain).toEqual(ok);
    expect(cross?.messageId).not.toBe(fine?.messageId);
  });

  test('a run that is resumed does not save again what it said before', async () => {
    const log = new RecordingLog();
    const { interrupt } = await import('@langchain/langgraph');
    const nodes = {
      first: () => ({ messages: [new AIMessage('before')] }),
      ask: () => ({ messages: [new AIMessage(`told: ${interrupt('sure?')}`)] }),
      last: ({ messages }: State) => ({ messages }),
    };
    const graph = durable(row(log, nodes).compile({ checkpointer: new MemorySaver() }), { log, planId });
    const config = { configurable: { thread_id: 't' } };
    await graph.invoke(question, config);
    await graph.invoke(new Command({ resume: 'yes' }), config);
    expect(log.said).toEqual(['first: before', 'ask: told: yes']);
  });
});

describe('nothing that goes wrong with the log harms the run', () => {
  const nodes = (model: ScriptedModel) => ({ writer: says(model), bot: () => ({ messages: [new AIMessage('done')] }) });

  test.each<[string, RecordingLog]>([
    ['rejects', new RecordingLog({ save: () => Promise.reject(new Error('no')) })],
    [
      'throws',
      new RecordingLog({
        save: () => {
          throw new Error('no');
        },
      }),
    ],
    ['hangs', new RecordingLog({ save: () => new Promise(() => {}) })],
  ])('the graph gives its result though the log %s', async (_how, log) => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const graph = row(log, nodes(new ScriptedModel(['hello']))).compile();
    const { messages } = await durable(graph, { log, planId, maxWaitMs: 40 }).invoke(question);
    expect(messages.map(({ text }) => text)).toEqual(['a question', 'hello', 'done']);
    expect(log.said).toEqual(['writer: hello', 'bot: done']);
    expect(warned).toHaveBeenCalled();
    warned.mockRestore();
  });

  test('a watcher that throws changes nothing', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const log = new RecordingLog();
    const broken = () => {
      throw new Error('no');
    };
    const live = { streamStarted: broken, streamDelta: broken, streamEnded: broken };
    const graph = row(log, nodes(new ScriptedModel(['hello']))).compile();
    await durable(graph, { log: { save: (message) => log.save(message), live }, planId }).invoke(question);
    expect(log.said).toEqual(['writer: hello', 'bot: done']);
    warned.mockRestore();
  });

  test('data that JSON cannot carry does not keep a message out', async () => {
    const log = new RecordingLog();
    const image = { type: 'image', data: new Uint8Array([1, 2, 3]), source: undefined, size: 3n };
    const made = new AIMessage({ content: [{ type: 'text', text: 'look' }, image] });
    await durable(row(log, { painter: () => ({ messages: [made] }) }).compile(), { log, planId }).invoke(question);
    expect(log.messages[0]?.metadata).toEqual({
      content_blocks: [
        { type: 'text', text: 'look' },
        { type: 'image', data: 'AQID', size: '3' },
      ],
      langgraph_node: 'painter',
      langgraph_step: 1,
    });
  });
});

describe('errors of the agent stay its own', () => {
  test('a model that fails ends its text, and what was said before stays saved', async () => {
    const log = new RecordingLog();
    const failure = new Error('the model fell over');
    const model = new ScriptedModel(['hello', failure]);
    const graph = durable(row(log, { greet: says(model), fail: says(model), never: () => ({}) }).compile(), {
      log,
      planId,
    });
    await expect(graph.invoke(question)).rejects.toBe(failure);
    expect(log.said).toEqual(['greet: hello']);
    expect([...log.shown.values()].at(-1)).toEqual(['start fail', 'half ', 'an', 'end half an']);
    expect(log.timeline).not.toContain('never starts');
  });

  test('the text of a model that fails ends before its replacement writes', async () => {
    const log = new RecordingLog();
    const model = new ScriptedModel([new Error('busy')]).withFallbacks([new ScriptedModel(['here now'])]);
    const writer = async () => ({ messages: [await model.invoke('x')] });
    await durable(row(log, { writer }).compile(), { log, planId }).invoke(question);
    expect([...log.shown.values()]).toEqual([
      ['start writer', 'half ', 'an', 'end half an'],
      ['start writer', 'here ', 'now', 'end here now'],
    ]);
    expect(log.timeline.indexOf('shown end half an')).toBeLessThan(log.timeline.indexOf('shown here '));
    expect(log.said).toEqual(['writer: here now']);
  });

  test('a model that its node does not wait for is shown until the node ends, and its answer saved when it comes', async () => {
    const log = new RecordingLog();
    const hasty = async (state: State) => {
      void new ScriptedModel(['one two three'], 50).invoke(state.messages);
      await vi.waitFor(() => expect(log.timeline).toContain('shown one '), { interval: 1 });
      return {};
    };
    const slow = async () => {
      await vi.waitFor(() => expect(log.messages).not.toEqual([]));
      return {};
    };
    await durable(row(log, { hasty, slow }).compile(), { log, planId }).invoke(question);
    const [shown] = log.shown.values();
    expect(shown?.findIndex((what) => what.startsWith('end'))).toBe((shown?.length ?? 0) - 1);
    expect(shown).not.toContain('end one two three');
    expect(log.said).toEqual(['hasty: one two three']);
  });

  test('a node that fails after its model answered: the answer is saved', async () => {
    const log = new RecordingLog();
    const model = new ScriptedModel(['hello']);
    const fail = async (state: State) => {
      await model.invoke(state.messages);
      throw new Error('afterwards');
    };
    await expect(durable(row(log, { fail }).compile(), { log, planId }).invoke(question)).rejects.toThrow('afterwards');
    expect(log.said).toEqual(['fail: hello']);
  });

  test('a stream that its reader leaves ends the text that was being written', async () => {
    const log = new RecordingLog();
    const graph = durable(row(log, { writer: says(new ScriptedModel(['one two three four'], 10)) }).compile(), {
      log,
      planId,
    });
    for await (const _token of await graph.stream(question, { streamMode: 'messages' })) break;
    await sleep(80);
    const [shown] = log.shown.values();
    expect(shown?.at(-1)).toMatch(/^end one /);
    expect(shown?.filter((what) => what.startsWith('end'))).toHaveLength(1);
    expect(log.messages).toEqual([]);
  });
});

describe('the plan', () => {
  test('is the run’s thread, or its metadata’s plan_id, where none was given', async () => {
    const log = new RecordingLog();
    const graph = durable(row(log, { writer: says(new ScriptedModel(['a', 'b'])) }).compile(), { log });
    await graph.invoke(question, { configurable: { thread_id: 'thread-7' } });
    await graph.invoke(question, { configurable: { thread_id: 'thread-7' }, metadata: { plan_id: 'plan-9' } });
    expect(log.messages.map((message) => message.planId)).toEqual(['thread-7', 'plan-9']);
  });

  test('that is missing fails the run before any node starts', async () => {
    const log = new RecordingLog();
    vi.spyOn(console, 'error').mockImplementationOnce(() => {});
    const graph = durable(row(log, { writer: () => ({}) }).compile(), { log });
    await expect(graph.invoke(question)).rejects.toMatchObject({ code: 'invalid_id', field: 'planId' });
    expect(log.timeline).toEqual([]);
  });

  test('of runs at the same time are kept apart by one durable graph', async () => {
    const log = new RecordingLog({ delayMs: () => Math.random() * 5 });
    const nodes = {
      one: async ({ messages }: State) => ({
        messages: [await new ScriptedModel([`re ${messages[0]?.text}`], 1).invoke('x')],
      }),
      two: ({ messages }: State) => ({ messages: [new AIMessage(`bye ${messages[0]?.text}`)] }),
    };
    const graph = durable(row(log, nodes).compile(), { log });
    const plans = Array.from({ length: 20 }, (_, index) => `p${index}`);
    await Promise.all(
      plans.map((id) => graph.invoke({ messages: [new HumanMessage(id)] }, { configurable: { thread_id: id } })),
    );
    for (const id of plans) {
      const own = log.messages.filter((message) => message.planId === id).map(({ content }) => content);
      expect(own).toEqual([`re ${id}`, `bye ${id}`]);
    }
  });
});
