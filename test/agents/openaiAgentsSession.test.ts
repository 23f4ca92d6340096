import { fc, test as property } from '@fast-check/vitest';
import { Agent, type AgentInputItem, MemorySession, Runner } from '@openai/agents';
import { assistantMessage, ScriptedModel } from '@openai/agents/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import { durable, IndelibleSession } from '../../src/agents/openaiAgents.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { withFaults } from '../../src/testing/faultyStore.ts';

const ask = (content: string): AgentInputItem => ({ role: 'user', content });
let indelible: Indelible;

beforeEach(() => {
  indelible = new Indelible(openSqliteStore(':memory:'));
});
afterEach(() => indelible.close());

const session = (sessionId = 's1') => new IndelibleSession({ log: indelible, sessionId });

describe('a session in the log', () => {
  property.prop(
    {
      steps: fc.array(
        fc.oneof(
          fc.record({ add: fc.array(fc.string().map(ask), { maxLength: 3 }) }),
          fc.constant('pop' as const),
          fc.constant('clear' as const),
          fc.constant('another process' as const),
        ),
        { maxLength: 15 },
      ),
    },
    { numRuns: 100 },
  )(
    '1.5: holds what the SDK’s own would, whatever is added, taken back and cleared, also read by another',
    async ({ steps }) => {
      const sessionId = crypto.randomUUID();
      const model = new MemorySession({ sessionId });
      let ours = session(sessionId);
      for (const step of steps) {
        if (step === 'another process') ours = session(sessionId);
        else if (step === 'pop') expect(await ours.popItem()).toEqual(await model.popItem());
        else if (step === 'clear') await Promise.all([ours.clearSession(), model.clearSession()]);
        else await Promise.all([ours.addItems(step.add), model.addItems(step.add)]);
        expect(await ours.getItems()).toEqual(await model.getItems());
        expect(await ours.getItems(2)).toEqual(await model.getItems(2));
      }
      expect(await session(sessionId).getItems()).toEqual(await model.getItems());
    },
  );

  test('is remembered by the next run, in another process, and kept apart from what the run says', async () => {
    const run = async (text: string, answer: string) => {
      const model = new ScriptedModel([[assistantMessage(answer)]]);
      const runner = durable(new Runner({ modelProvider: { getModel: () => model }, tracingDisabled: true }), {
        log: indelible,
      });
      await runner.run(new Agent({ name: 'Guide' }), text, { session: session('trip') });
      return model.firstCall?.request.input;
    };
    await run('I am Ada.', 'Hello, Ada.');
    const given = await run('Who am I?', 'You are Ada.');
    expect(given).toMatchObject([
      { role: 'user', content: 'I am Ada.' },
      { role: 'assistant' },
      { role: 'user', content: 'Who am I?' },
    ]);
    const saidBy = async (planId: string) =>
      (await indelible.persistence.getMessagesForPlan(planId)).map(({ content }) => content);
    expect(await saidBy('trip')).toEqual(['I am Ada.', 'Hello, Ada.', 'Who am I?', 'You are Ada.']);
    expect(await saidBy('session-trip')).toEqual(await saidBy('trip'));
  });

  test('nothing is deleted: what was taken back and cleared is in the log, and that it was', async () => {
    const one = session();
    await one.addItems([ask('a'), ask('b')]);
    await one.popItem();
    await one.clearSession();
    const messages = await indelible.persistence.getMessagesForPlan('session-s1');
    expect(messages.map(({ content }) => content)).toEqual([
      'a',
      'b',
      'The last item was taken back.',
      'The session was cleared.',
    ]);
  });

  test('2.5: while the database is away adding never rejects, and nothing is lost when it is back', async () => {
    const { store, faults } = withFaults(openSqliteStore(':memory:'));
    const away = new Indelible(store, { persistence: { deadlineMs: 30 } });
    const one = new IndelibleSession({ log: away, sessionId: 's2' });
    await one.addItems([ask('before')]);
    faults.refuse();
    await one.addItems([ask('during')]);
    await expect(one.getItems()).rejects.toMatchObject({ code: 'store_unavailable' });
    faults.heal();
    expect(await one.getItems()).toEqual([ask('before'), ask('during')]);
    const other = new IndelibleSession({ log: away, sessionId: 's2' });
    await expect.poll(() => other.getItems()).toEqual([ask('before'), ask('during')]);
    await away.close();
  });
});
