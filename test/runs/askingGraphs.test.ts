import { AIMessage } from '@langchain/core/messages';
import { Annotation, END, interrupt, MemorySaver, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { askApproval, askQuestion, openCheckpointer } from 'indelible/langgraph';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Indelible } from '../../src/agents/indelible.ts';
import { Runner, type RunnerOptions } from '../../src/runs/runner.ts';
import type { CompiledGraph } from '../../src/runs/teams/compiledGraph.ts';
import { type GraphTeamOptions, graphTeam } from '../../src/runs/teams/graphTeam.ts';
import { ScriptedModel } from '../agents/scriptedModel.ts';
import { temporaryLog } from './temporaryLog.ts';

type State = typeof MessagesAnnotation.State;
const user = { userId: 'ann' };
const oneNode = (node: (state: State) => Promise<Partial<State>>) =>
  new StateGraph(MessagesAnnotation).addNode('guide', node).addEdge(START, 'guide').addEdge('guide', END);
const says = (text: string) => ({ messages: [new AIMessage(text)] });

/** A server's runner, and those that come after it, on one database. */
function servers(graph: CompiledGraph, options: Partial<GraphTeamOptions> & RunnerOptions = {}) {
  const { indelible, file, events } = temporaryLog();
  const team = graphTeam(graph, { id: 'graph', name: 'The graph', ...options });
  const open = () => {
    const runner = new Runner(indelible, [team], { checkpointer: () => openCheckpointer(`sqlite:${file}`) });
    onTestFinished(() => runner.close());
    return runner;
  };
  return { indelible, open, events };
}

/** Waits until the plan has this status. */
async function until({ store }: Indelible, status: string, planId = 'p'): Promise<void> {
  const enough = performance.now() + 10_000;
  for (let seen = ''; seen !== status; await new Promise((resolve) => setTimeout(resolve, 5))) {
    seen = (await store.plans.find(planId))?.status ?? '';
    if (performance.now() > enough) throw new Error(`the plan is ${seen}, not ${status}`);
  }
}

async function told(indelible: Indelible): Promise<string[]> {
  const messages = await indelible.persistence.getMessagesForPlan('p');
  return messages.map(({ type, agentName, content }) => `${type} ${agentName}: ${content}`);
}

describe('a graph that asks a person', () => {
  test('waits, stored and owned by nobody, and goes on in another process with what was answered', async () => {
    const graph = oneNode(async () => {
      const { approved, feedback } = askApproval({ facts: 'It rains.', steps: [{ agent: 'guide', action: 'Walks' }] });
      const where = askQuestion('Where to?', 'There are two ways.');
      return says(`${approved} ${feedback} ${where}`);
    }).compile();
    const { indelible, open } = servers(graph);
    const first = open();
    const { ended } = await first.start({ description: 'A walk', planId: 'p' });
    expect(await ended).toBe('pending_approval');
    await first.close();
    expect(await indelible.store.runs.find('p')).toMatchObject({ state: 'waiting', owner: undefined });
    const [asked] = await indelible.persistence.getMessagesForPlan('p');
    expect(asked).toMatchObject({
      type: 'plan_approval_request',
      agentName: 'guide',
      content: 'Please approve this plan: A walk\n\nIt rains.\n\n1. guide: Walks',
      metadata: {
        requires_approval: true,
        plan: {
          id: 'p',
          user_request: 'A walk',
          team: ['guide'],
          facts: 'It rains.',
          steps: [{ agent: 'guide', action: 'Walks' }],
        },
      },
    });
    const second = open();
    expect(await second.answer('p', { ...user, approved: true, text: 'With a coat' })).toMatchObject({
      outcome: 'taken',
      approved: true,
      request: { kind: 'approval', messageId: asked!.messageId },
    });
    await until(indelible, 'pending_clarification');
    await second.close();
    const third = open();
    expect(await third.answer('p', { ...user, text: 'North' })).toMatchObject({ outcome: 'taken' });
    await until(indelible, 'completed');
    expect(await told(indelible)).toEqual([
      'plan_approval_request guide: Please approve this plan: A walk\n\nIt rains.\n\n1. guide: Walks',
      'plan_approval_response Human: With a coat',
      'user_clarification_request guide: Where to?',
      'user_clarification_response Human: North',
      'agent_message guide: true With a coat North',
      'final_result_message The graph: true With a coat North',
    ]);
    expect((await indelible.persistence.getMessagesForPlan('p'))[1]).toMatchObject({
      agentType: 'Human_Agent',
      metadata: { request_id: asked!.metadata['request_id'], status: 'approved', feedback: 'With a coat' },
    });
  });

  test.each<[string, unknown, string]>([
    ['a text', 'May I?', 'May I?'],
    ['an object', { may: ['I', 1] }, '{"may":["I",1]}'],
    ['nothing', undefined, ''],
    ['a number', 7, '7'],
  ])('may ask by an interrupt of any value: %s', async (_name, value, content) => {
    const graph = oneNode(async () => says(String(interrupt(value)))).compile();
    const { indelible, open } = servers(graph);
    const runner = open();
    await (await runner.start({ description: 'Ask', planId: 'p' })).ended;
    await runner.answer('p', { ...user, text: 'You may.' });
    await until(indelible, 'completed');
    expect(await told(indelible)).toEqual([
      `user_clarification_request guide: ${content}`,
      'user_clarification_response Human: You may.',
      'agent_message guide: You may.',
      'final_result_message The graph: You may.',
    ]);
  });

  test('asks what several nodes ask at once one after the other, and goes on when all is answered', async () => {
    const node = (name: string) => async () => says(`${name} ${askQuestion(`${name}?`)}`);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('one', node('one'))
      .addNode('two', node('two'))
      .addNode('end', async () => says('Done'))
      .addEdge(START, 'one')
      .addEdge(START, 'two')
      .addEdge(['one', 'two'], 'end')
      .compile();
    const { indelible, open } = servers(graph);
    const runner = open();
    await (await runner.start({ description: 'Ask', planId: 'p' })).ended;
    await runner.answer('p', { ...user, text: 'first' });
    await until(indelible, 'pending_clarification');
    await runner.answer('p', { ...user, text: 'second' });
    await until(indelible, 'completed');
    const lines = await told(indelible);
    expect(lines.slice(0, 4)).toEqual([
      'user_clarification_request one: one?',
      'user_clarification_response Human: first',
      'user_clarification_request two: two?',
      'user_clarification_response Human: second',
    ]);
    expect(lines.slice(4, 6).sort()).toEqual(['agent_message one: one first', 'agent_message two: two second']);
    expect(lines.slice(6)).toEqual(['agent_message end: Done', 'final_result_message The graph: Done']);
  });

  test('says what it said before its question once, though its node is executed again', async () => {
    const model = new ScriptedModel(['I think.', 'I think.']);
    const graph = oneNode(async ({ messages }) => {
      const thought = await model.invoke(messages);
      return { messages: [thought, new AIMessage(`So: ${askQuestion('And?')}`)] };
    }).compile();
    const { indelible, open } = servers(graph);
    const runner = open();
    await (await runner.start({ description: 'Think', planId: 'p' })).ended;
    await runner.answer('p', { ...user, text: 'Go' });
    await until(indelible, 'completed');
    expect(await told(indelible)).toEqual([
      'agent_message guide: I think.',
      'user_clarification_request guide: And?',
      'user_clarification_response Human: Go',
      'agent_message guide: So: Go',
      'final_result_message The graph: So: Go',
    ]);
  });

  test('keeps the checkpointer it was compiled with', async () => {
    const own = new MemorySaver();
    const graph = oneNode(async () => says(askQuestion('Yes?'))).compile({ checkpointer: own });
    const { indelible, open } = servers(graph);
    const runner = open();
    await (await runner.start({ description: 'Ask', planId: 'p' })).ended;
    expect(await own.getTuple({ configurable: { thread_id: 'p' } })).toBeDefined();
    await runner.answer('p', { ...user, text: 'Yes!' });
    await until(indelible, 'completed');
    expect((await told(indelible)).at(-1)).toBe('final_result_message The graph: Yes!');
  });

  test.each([
    [true, 'completed', 'agent_message guide: Here'],
    [false, 'rejected', 'final_result_message System: The plan was rejected: not now'],
  ] as const)('at a breakpoint of its own waits for an approval: %s', async (approved, status, line) => {
    const graph = oneNode(async () => says('Here')).compile({ interruptBefore: ['guide'] });
    const { indelible, open } = servers(graph);
    const runner = open();
    expect(await (await runner.start({ description: 'Stop', planId: 'p' })).ended).toBe('pending_approval');
    await runner.answer('p', { ...user, approved, text: 'not now' });
    await until(indelible, status);
    expect(await told(indelible)).toContain(line);
  });

  test('has failed where there is no place for checkpoints', async () => {
    const { indelible } = temporaryLog();
    const graph = oneNode(async () => says(askQuestion('Yes?'))).compile();
    const runner = new Runner(indelible, [graphTeam(graph, { id: 'graph', name: 'The graph' })]);
    expect(await (await runner.start({ description: 'Ask', planId: 'p' })).ended).toBe('failed');
  });

  test('may need an approval before it begins, and is told what was said with it', async () => {
    const graph = oneNode(async ({ messages }) => says(`I heard: ${messages[0]!.content}`)).compile();
    const { indelible, open } = servers(graph, { needsApproval: true });
    const runner = open();
    expect(await (await runner.start({ description: 'Walk', planId: 'p' })).ended).toBe('pending_approval');
    await runner.answer('p', { ...user, text: 'slowly' });
    await until(indelible, 'completed');
    expect((await told(indelible)).slice(1)).toEqual([
      'plan_approval_response Human: slowly',
      'agent_message guide: I heard: Walk\n\nFeedback on the plan: slowly',
      'final_result_message The graph: I heard: Walk\n\nFeedback on the plan: slowly',
    ]);
  });
});

describe('a graph whose process stops', () => {
  test('goes on where it was in the next process, and says nothing twice', async () => {
    const Steps = Annotation.Root({ ...MessagesAnnotation.spec });
    let begun = () => {};
    const inSecond = new Promise<void>((resolve) => {
      begun = resolve;
    });
    let isFirst = true;
    const executed: string[] = [];
    const graph = new StateGraph(Steps)
      .addNode('first', async () => {
        executed.push('first');
        return says('One');
      })
      .addNode('second', async (_state, { signal }) => {
        executed.push('second');
        begun();
        if (isFirst) await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
        return says('Two');
      })
      .addEdge(START, 'first')
      .addEdge('first', 'second')
      .compile();
    const { indelible, open } = servers(graph);
    const runner = open();
    const { ended } = await runner.start({ description: 'Walk', planId: 'p' });
    await inSecond;
    await runner.close();
    expect(await ended).toBe('in_progress');
    expect(await indelible.store.runs.find('p')).toMatchObject({ state: 'working', owner: undefined });
    isFirst = false;
    open().takeUp();
    await until(indelible, 'completed');
    expect(executed).toEqual(['first', 'second', 'second']);
    expect(await told(indelible)).toEqual([
      'agent_message first: One',
      'agent_message second: Two',
      'final_result_message The graph: Two',
    ]);
  });
});
