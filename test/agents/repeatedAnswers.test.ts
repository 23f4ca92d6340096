import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { Command, interrupt, MemorySaver, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentLog } from '../../src/agents/agentLog.ts';
import { durable, openCheckpointer, openIndelible } from '../../src/agents/langgraph.ts';
import type { AgentMessage } from '../../src/protocol/message.ts';
import { RecordingLog } from './recordingLog.ts';
import { type Line, ScriptedModel } from './scriptedModel.ts';

const planId = 'plan';
const thread = { configurable: { thread_id: 'thread' } };
const question = { messages: [new HumanMessage('Where to?')] };

let folder = '';
let address = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'indelible-repeated-'));
  address = `sqlite:${join(folder, 'log.db')}`;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A node that asks a model and then a human, so that it is executed again when the human has answered. */
function asking(line: Line) {
  const model = new ScriptedModel([line]);
  return new StateGraph(MessagesAnnotation)
    .addNode('asking', async ({ messages }) => {
      const answer = await model.invoke(messages);
      const sure = interrupt<string, string>('Sure?');
      return { messages: [answer, new AIMessage(`told: ${sure}`)] };
    })
    .addEdge(START, 'asking');
}

/** As another process would: nothing is shared with the call before but the file. `log`: what stands in for the log. */
async function execute(line: Line, input: unknown, log?: (indelible: AgentLog) => AgentLog) {
  const indelible = await openIndelible({ store: address });
  const checkpointer = await openCheckpointer(address);
  try {
    const graph = asking(line).compile({ checkpointer });
    const options = { log: log === undefined ? indelible : log(indelible), planId };
    const { messages } = await durable(graph, options).invoke(input as typeof question, thread);
    const stored = await indelible.persistence.getMessagesForPlan(planId);
    return { stored, said: messages.map(({ text }) => text) };
  } finally {
    await checkpointer.close();
    await indelible.close();
  }
}

const goOn = new Command({ resume: 'yes' });
const texts = (stored: readonly AgentMessage[]) => stored.map(({ content }) => content);

describe('a node that is executed again in another process', () => {
  it('and is answered the same has the answer in the log once, whatever id and usage the provider gives', async () => {
    await execute({ text: 'Lisbon', id: 'chatcmpl-1' }, question);
    const { stored, said } = await execute({ text: 'Lisbon', id: 'chatcmpl-2' }, goOn);
    expect(said).toEqual(['Where to?', 'Lisbon', 'told: yes']);
    expect(texts(stored)).toEqual(['Lisbon', 'told: yes']);
  });

  it('and is answered something else has both in the log, and the second says which one it replaces', async () => {
    const { stored: before } = await execute('Lisbon', question);
    const { stored, said } = await execute('Porto', goOn);
    expect(said).toEqual(['Where to?', 'Porto', 'told: yes']);
    expect(texts(stored)).toEqual(['Lisbon', 'Porto', 'told: yes']);
    expect(stored[0]).toEqual(before[0]);
    expect(stored[1]?.metadata).toMatchObject({ replaces: stored[0]?.messageId });
  });

  it('a third time adds only what neither said', async () => {
    for (const line of ['Lisbon', 'Porto']) await execute(line, line === 'Lisbon' ? question : null);
    const { stored: both } = await execute({ text: 'Porto', id: 'another' }, null);
    expect(texts(both)).toEqual(['Lisbon', 'Porto']);
    const { stored } = await execute('Faro', goOn);
    expect(texts(stored)).toEqual(['Lisbon', 'Porto', 'Faro', 'told: yes']);
    const [first, ...others] = stored.slice(0, 3);
    for (const { metadata } of others) expect(metadata).toMatchObject({ replaces: first?.messageId });
  });

  it('and calls a tool under another call id has both calls in the log: results name the second', async () => {
    const call = (id: string) => ({ calls: [{ name: 'book', args: { to: 'Lisbon' }, id }] });
    await execute(call('call-1'), question);
    const { stored } = await execute(call('call-2'), goOn);
    expect(stored.slice(0, 2).map(({ metadata }) => metadata['tool_calls'])).toMatchObject([
      [{ id: 'call-1' }],
      [{ id: 'call-2' }],
    ]);
  });

  it.each<[string, (indelible: AgentLog) => AgentLog]>([
    ['control: a log that cannot be asked', (log) => ({ save: (message) => log.save(message) })],
    [
      'a log that fails to say what is there',
      (log) => ({ save: (message) => log.save(message), find: () => Promise.reject(new Error('away')) }),
    ],
  ])('%s has the answer twice, and leaves nothing out', async (_what, log) => {
    await execute('Lisbon', question, log);
    const { stored } = await execute('Lisbon', goOn, log);
    expect(texts(stored)).toEqual(['Lisbon', 'Lisbon', 'told: yes']);
  });
});

describe('within a process', () => {
  class Findable extends RecordingLog {
    /** Nothing is committed yet: all it was given still waits. */
    async find(): Promise<undefined> {
      return undefined;
    }
  }

  it('a node that is tried again while its first answer still waits for the database loses neither answer', async () => {
    const log = new Findable();
    const model = new ScriptedModel(['Lisbon', 'Porto']);
    let tries = 0;
    const trying = async ({ messages }: typeof MessagesAnnotation.State) => {
      const answer = await model.invoke(messages);
      if (++tries === 1) throw new Error('half-way');
      return { messages: [answer] };
    };
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('trying', trying, { retryPolicy: { maxAttempts: 2, initialInterval: 1, logWarning: false } })
      .addEdge(START, 'trying');
    await durable(graph.compile(), { log, planId }).invoke(question, thread);
    const [first, second] = log.messages;
    expect(log.said).toEqual(['trying: Lisbon', 'trying: Porto']);
    expect(second?.messageId).not.toBe(first?.messageId);
    expect(second?.metadata).toMatchObject({ replaces: first?.messageId });
  });

  it('the text is shown under the id that the message has in the log', async () => {
    const log = new Findable();
    await durable(asking('Lisbon by train').compile({ checkpointer: new MemorySaver() }), { log, planId }).invoke(
      question,
      thread,
    );
    expect([...log.shown.keys()]).toEqual([log.messages[0]?.messageId]);
  });

  it('a node that comes round again and is answered the same has two answers; so has one that asks twice', async () => {
    const log = new Findable();
    const model = new ScriptedModel(Array(4).fill('again'));
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('round', async ({ messages }) => ({
        messages: [await model.invoke(messages), await model.invoke(messages)],
      }))
      .addEdge(START, 'round')
      .addConditionalEdges('round', ({ messages }) => (messages.length < 5 ? 'round' : '__end__'));
    await durable(graph.compile({ checkpointer: new MemorySaver() }), { log, planId }).invoke(question, thread);
    expect(new Set(log.messages.map(({ messageId }) => messageId)).size).toBe(4);
  });

  it('a message that replaces an answer under its id in the state names the id the answer has in the log', async () => {
    const log = new Findable();
    const model = new ScriptedModel(['a rude word']);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('writer', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addNode('guard', ({ messages }) => ({
        messages: [new AIMessage({ content: 'removed', id: messages.at(-1)?.id ?? '' })],
      }))
      .addEdge(START, 'writer')
      .addEdge('writer', 'guard');
    await durable(graph.compile({ checkpointer: new MemorySaver() }), { log, planId }).invoke(question, thread);
    expect(log.messages[1]?.metadata).toMatchObject({ replaces: log.messages[0]?.messageId });
    expect(log.messages[0]?.metadata).toMatchObject({ response_id: expect.stringMatching(/^run-/) });
  });
});
