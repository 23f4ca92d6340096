import { Agent, handoff, MemorySession, type Model, Runner, tool } from '@openai/agents';
import {
  assistantMessage,
  functionCall,
  modelError,
  modelStreamResponder,
  ScriptedModel,
  type ScriptedModelInput,
} from '@openai/agents/testing';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Indelible } from '../../src/agents/indelible.ts';
import { durable, durableModel, unattended } from '../../src/agents/openaiAgents.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { withFaults } from '../../src/testing/faultyStore.ts';
import { Gate } from './aiSdkScript.ts';
import { RecordingLog, unwatched } from './recordingLog.ts';

const planId = 'plan-1';
const runnerOn = (model: Model) => new Runner({ modelProvider: { getModel: () => model }, tracingDisabled: true });
const lookUpBy = (execute: () => Promise<string>) =>
  tool({ name: 'lookUp', description: 'Looks up.', parameters: z.object({ q: z.string() }), execute });

function team(execute = async () => 'found') {
  const writer = new Agent({ name: 'Writer', instructions: 'Write.' });
  return new Agent({ name: 'Planner', instructions: 'Plan.', tools: [lookUpBy(execute)], handoffs: [handoff(writer)] });
}

const script = (): ScriptedModelInput[] => [
  [assistantMessage('Let me see.'), functionCall('lookUp', { q: 'Lisbon' }, { callId: 'c1' })],
  [functionCall('transfer_to_Writer', {}, { callId: 'c2' })],
  [assistantMessage('Take the train.')],
];
const said = [
  'user: To Lisbon?',
  'Planner: Let me see.',
  'lookUp: found',
  'Planner: ',
  'Planner: Handed off to Writer.',
  'Writer: Take the train.',
];

describe('a run of OpenAI Agents is in the log', () => {
  test('2.1: what is said is saved before the run goes on', async () => {
    const log = new RecordingLog({ delayMs: 40 });
    const model = new ScriptedModel(script());
    const asking: Model = {
      getResponse: (request) => {
        log.note('model asked');
        return model.getResponse(request);
      },
      getStreamedResponse: (request) => model.getStreamedResponse(request),
    };
    const agent = team(async () => {
      log.note('tool starts');
      return 'found';
    });
    const result = await durable(runnerOn(asking), { log, planId }).run(agent, 'To Lisbon?');
    log.note('run ends');
    expect(result.finalOutput).toBe('Take the train.');
    expect(log.timeline.filter((event) => /^(saved|model|tool|run)/.test(event))).toEqual([
      'saved user: To Lisbon?',
      'model asked',
      'saved Planner: Let me see.',
      'tool starts',
      'saved lookUp: found',
      'model asked',
      'saved Planner: tool call',
      'saved Planner: Handed off to Writer.',
      'model asked',
      'saved Writer: Take the train.',
      'run ends',
    ]);
  });

  test('each agent message, tool call and handoff is a message of its own, with what belongs to it', async () => {
    const log = new RecordingLog();
    await durable(runnerOn(new ScriptedModel(script())), { log, planId }).run(team(), 'To Lisbon?');
    expect(log.said).toEqual(said);
    expect(log.messages).toMatchObject([
      { agentType: 'user' },
      { agentType: 'agent', metadata: { tool_calls: [{ name: 'lookUp', args: { q: 'Lisbon' }, id: 'c1' }] } },
      { agentType: 'tool', metadata: { tool_call_id: 'c1' } },
      { agentType: 'agent', metadata: { tool_calls: [{ name: 'transfer_to_Writer', handoff: true, id: 'c2' }] } },
      { agentType: 'handoff', metadata: { handoff_to: 'Writer', tool_call_id: 'c2' } },
      { agentType: 'agent' },
    ]);
  });

  test('Property 3: the same messages with a watcher, without one, streamed, and streamed with nobody reading', async () => {
    const runs: ((log: RecordingLog) => Promise<unknown>)[] = [
      (log) => durable(runnerOn(new ScriptedModel(script())), { log, planId }).run(team(), 'To Lisbon?'),
      (log) =>
        durable(runnerOn(new ScriptedModel(script())), { log: unwatched(log), planId }).run(team(), 'To Lisbon?'),
      async (log) => {
        const runner = durable(runnerOn(new ScriptedModel(script())), { log, planId });
        const result = await runner.run(team(), 'To Lisbon?', { stream: true });
        for await (const _ of result);
      },
      async (log) => {
        const runner = durable(runnerOn(new ScriptedModel(script())), { log, planId });
        await (await runner.run(team(), 'To Lisbon?', { stream: true })).completed;
      },
    ];
    for (const run of runs) {
      const log = new RecordingLog();
      await run(log);
      expect(log.said).toEqual(said);
      expect(new Set(log.messages.map(({ messageId }) => messageId)).size).toBe(said.length);
    }
  });

  test('the text of a streamed run is shown as it comes, under the id of the message it becomes', async () => {
    const log = new RecordingLog();
    const runner = durable(runnerOn(new ScriptedModel([[assistantMessage('Two words.')]])), { log, planId });
    await (await runner.run(team(), 'Say.', { stream: true })).completed;
    expect(log.shown.get(log.messages[1]?.messageId ?? '')).toEqual(['start Planner', 'Two words.', 'end Two words.']);
  });

  test('an agent that is a tool of another speaks in its own name', async () => {
    const log = new RecordingLog();
    const inner = new Agent({ name: 'Expert', instructions: 'Know.' });
    const outer = new Agent({
      name: 'Boss',
      instructions: 'Ask.',
      tools: [inner.asTool({ toolName: 'expert', toolDescription: 'Knows.' })],
    });
    const model = new ScriptedModel([
      [functionCall('expert', { input: 'Who?' }, { callId: 'c1' })],
      [assistantMessage('Nobody.')],
      [assistantMessage('Nobody, he says.')],
    ]);
    await durable(runnerOn(model), { log, planId }).run(outer, 'Who?');
    expect(log.said).toEqual(['user: Who?', 'Boss: ', 'Expert: Nobody.', 'expert: Nobody.', 'Boss: Nobody, he says.']);
  });

  test('of a conversation that is given by its items, what is new is saved', async () => {
    const log = new RecordingLog();
    const runner = durable(runnerOn(new ScriptedModel([[assistantMessage('One.')], [assistantMessage('Two.')]])), {
      log,
      planId,
    });
    const first = await runner.run(team(), 'First?');
    await runner.run(team(), [...first.history, { role: 'user', content: 'Second?' }]);
    expect(log.said).toEqual(['user: First?', 'Planner: One.', 'user: Second?', 'Planner: Two.']);
  });

  test('a tool’s answer that ends the run is saved', async () => {
    const log = new RecordingLog({ delayMs: 20 });
    const agent = new Agent({
      name: 'Clerk',
      tools: [lookUpBy(async () => 'found')],
      toolUseBehavior: 'stop_on_first_tool',
    });
    const model = new ScriptedModel([[functionCall('lookUp', { q: 'x' }, { callId: 'c' })]]);
    await durable(runnerOn(model), { log, planId }).run(agent, 'Look.');
    expect(log.timeline).toContain('saved lookUp: found');
  });

  test('runs that go on at the same time stay apart', async () => {
    const log = new RecordingLog({ delayMs: 5 });
    const one = async (name: string) => {
      const runner = durable(runnerOn(new ScriptedModel(script())), { log, planId: name });
      await runner.run(team(), 'To Lisbon?');
    };
    await Promise.all(['a', 'b', 'c'].map(one));
    for (const name of ['a', 'b', 'c']) {
      const messages = log.messages.filter((message) => message.planId === name);
      expect(messages.map(({ agentName, content }) => `${agentName}: ${content}`)).toEqual(said);
    }
  });

  test('the plan is that of the session where none is given; a run with neither fails at its start', async () => {
    const log = new RecordingLog();
    const runner = durable(runnerOn(new ScriptedModel([[assistantMessage('Hi.')]])), { log });
    await expect(runner.run(team(), 'Hi?')).rejects.toMatchObject({ code: 'invalid_id' });
    await runner.run(team(), 'Hi?', { session: new MemorySession({ sessionId: 's1' }) });
    expect(log.messages.map((message) => message.planId)).toEqual(['s1', 's1']);
  });

  test('an agent with a model of its own needs it durable, and is heard then', async () => {
    const log = new RecordingLog();
    const own = new ScriptedModel([[assistantMessage('Mine.')]]);
    const runner = durable(runnerOn(new ScriptedModel([])), { log, planId });
    const deaf = new Agent({ name: 'Own', model: own });
    const leading = new Agent({ name: 'Lead', handoffs: [deaf] });
    await expect(runner.run(leading, 'Who?')).rejects.toMatchObject({ code: 'invalid_config' });
    expect(log.messages).toEqual([]);
    await runner.run(new Agent({ name: 'Own', model: durableModel(own) }), 'Who?');
    expect(log.said).toEqual(['user: Who?', 'Own: Mine.']);
  });

  test('the runner that was given is as it was, and its listeners hear of the runs', async () => {
    const log = new RecordingLog();
    const model = new ScriptedModel([[assistantMessage('One.')], [assistantMessage('Two.')]]);
    const plain = runnerOn(model);
    const heard: string[] = [];
    plain.on('agent_end', (_context, agent, output) => heard.push(`${agent.name}: ${output}`));
    await durable(plain, { log, planId }).run(team(), 'One?');
    await plain.run(team(), 'Two?');
    expect(heard).toEqual(['Planner: One.', 'Planner: Two.']);
    expect(log.said).toEqual(['user: One?', 'Planner: One.']);
  });
});

describe('a run goes on', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['throws', () => Promise.reject(new Error('no database'))],
    ['hangs', () => new Promise(() => {})],
  ])('2.5: with a log that %s', async (_how, save) => {
    const log = new RecordingLog({ save });
    const runner = durable(runnerOn(new ScriptedModel(script())), { log, planId, maxWaitMs: 20 });
    const result = await runner.run(team(), 'To Lisbon?');
    expect(result.finalOutput).toBe('Take the train.');
    expect(log.said).toEqual(said);
  });

  test('with an error of its model as it would without the adapter; what was said before is saved', async () => {
    const log = new RecordingLog();
    const model = new ScriptedModel([...script().slice(0, 1), modelError(new Error('overloaded'))]);
    await expect(durable(runnerOn(model), { log, planId }).run(team(), 'To Lisbon?')).rejects.toThrow('overloaded');
    expect(log.said).toEqual(said.slice(0, 3));
  });

  test('1.2: an answer that nobody reads to its end is saved as far as it came, and says so', async () => {
    const log = new RecordingLog();
    const gate = new Gate();
    const model = new ScriptedModel([
      modelStreamResponder(async function* () {
        yield { type: 'response_started' };
        yield { type: 'output_text_delta', delta: 'Half ' };
        await gate.pass();
        yield { type: 'output_text_delta', delta: 'an answer.' };
        throw new Error('reset');
      }),
    ]);
    const result = await durable(runnerOn(model), { log, planId }).run(team(), 'Say.', { stream: true });
    await gate.reached;
    gate.open();
    await expect(result.completed).rejects.toThrow('reset');
    expect(log.messages[1]).toMatchObject({ content: 'Half an answer.', metadata: { interrupted: 'error' } });
  });

  test('1.2: although its client goes in the middle; one that cancels the run itself leaves what was said, marked', async () => {
    const streamed = async (leave: (result: AsyncIterable<unknown> & { toStream(): unknown }) => ReadableStream) => {
      const log = new RecordingLog();
      const gate = new Gate();
      const half = modelStreamResponder(async function* () {
        yield { type: 'response_started' };
        yield { type: 'output_text_delta', delta: 'Half ' };
        await gate.pass();
        const output = [assistantMessage('Half an answer.'), functionCall('lookUp', { q: 'x' }, { callId: 'c' })];
        yield { type: 'output_text_delta', delta: 'an answer.' };
        const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
        yield { type: 'response_done', response: { id: 'r', usage, output } };
      });
      const runner = durable(runnerOn(new ScriptedModel([half, [assistantMessage('Whole.')]])), { log, planId });
      const result = await runner.run(team(), 'Say.', { stream: true });
      const reader = leave(result).getReader();
      await reader.read();
      await gate.reached;
      await reader.cancel();
      gate.open();
      await result.completed.catch(() => {});
      return log;
    };
    const gone = await streamed(unattended);
    expect(gone.said).toEqual(['user: Say.', 'Planner: Half an answer.', 'lookUp: found', 'Planner: Whole.']);
    const cancelled = await streamed((result) => result.toStream() as ReadableStream);
    await expect.poll(() => cancelled.said).toEqual(['user: Say.', 'Planner: Half ']);
    expect(cancelled.messages[1]).toMatchObject({ metadata: { interrupted: 'aborted' } });
  });

  test('5.3: with the database away in the middle; all is stored, in order, once, when it is back', async () => {
    const { store, faults } = withFaults(openSqliteStore(':memory:'));
    const indelible = new Indelible(store, { persistence: { deadlineMs: 30 } });
    const agent = team(async () => {
      faults.refuse();
      return 'found';
    });
    const runner = durable(runnerOn(new ScriptedModel(script())), { log: indelible, planId });
    expect((await runner.run(agent, 'To Lisbon?')).finalOutput).toBe('Take the train.');
    faults.heal();
    const stored = async () =>
      (await indelible.persistence.getMessagesForPlan(planId)).map(
        ({ agentName, content }) => `${agentName}: ${content}`,
      );
    await expect.poll(stored).toEqual(said);
    await indelible.close();
  });
});
