import { describe, expect, test } from 'vitest';
import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import type { StoredMessage } from '../../src/protocol/message.ts';
import { Runner } from '../../src/runs/runner.ts';
import { createDemoTeam, demoTeam } from '../../src/runs/teams/demo.ts';
import { temporaryLog, watch } from './temporaryLog.ts';

const instantly = createDemoTeam({ pause: async () => {} });

async function demoRun(description: string, team = instantly) {
  const { indelible } = temporaryLog();
  const runner = new Runner(indelible, [team]);
  const seen = await watch(indelible, 'p');
  const { ended } = await runner.start({ description, planId: 'p' });
  const status = await ended;
  return { status, seen, messages: await indelible.persistence.getMessagesForPlan('p') };
}

describe('the demo team', () => {
  test('says in its first message that it is scripted and asks no model', async () => {
    const { messages } = await demoRun('Plan a trip to the moon');
    expect(messages[0]!.content).toMatch(/^This is the demo team: scripted demonstration agents, no model is asked/);
    expect(messages[0]!.content).toContain('“Plan a trip to the moon”');
  });

  test('writes four to six messages of agents, among them a tool call without text and its result, then the end', async () => {
    const { messages, status } = await demoRun('Plan a trip to the moon');
    expect(status).toBe('completed');
    const ofAgents = messages.filter(({ type }) => type === 'agent_message');
    expect(ofAgents.length).toBeGreaterThanOrEqual(4);
    expect(ofAgents.length).toBeLessThanOrEqual(6);
    const call = ofAgents.find(({ metadata }) => 'tool_calls' in metadata)!;
    expect(call).toMatchObject({ content: '', metadata: { tool_calls: [{ name: 'count_words' }] } });
    const result = ofAgents[ofAgents.indexOf(call) + 1]!;
    expect(result).toMatchObject({ agentType: 'tool', agentName: 'count_words', metadata: { tool_call_id: 'call_1' } });
    expect(JSON.parse(result.content)).toEqual({ words: 6, longest: 'Plan' });
    expect(messages.at(-1)).toMatchObject({ type: 'final_result_message', content: ofAgents.at(-1)!.content });
  });

  test('streams its answer token by token, then stores it once, whole', async () => {
    const { seen, messages } = await demoRun('Plan a trip to the moon');
    const streamed = seen.filter((one) => 'type' in one && one.type === 'agent_message_streaming');
    expect(streamed.length).toBeGreaterThan(10);
    const text = streamed.map((one) => ('delta' in one ? one.delta : '')).join('');
    const stored = messages.filter(({ content, type }) => content === text && type === 'agent_message');
    expect(stored).toHaveLength(1);
    const end = seen.findIndex((one) => 'type' in one && one.type === 'agent_stream_end');
    expect(seen[end]).toMatchObject({ text, streamId: stored[0]!.messageId });
    expect(toAgentMessage(seen[end + 1] as StoredMessage)).toMatchObject({ messageId: stored[0]!.messageId });
  });

  test('tells its progress, step by step', async () => {
    const { seen } = await demoRun('Plan a trip to the moon');
    const steps = seen.flatMap((one) => ('currentStep' in one ? [[one.currentStep, one.totalSteps]] : []));
    expect(steps).toEqual([
      [1, 4],
      [2, 4],
      [3, 4],
      [4, 4],
    ]);
  });

  test.each<[string, string, RegExp]>([
    ['a question', 'Why is the sky blue?', /^You asked a question of 5 words/],
    ['one word', 'Moon', /^You gave a task of 1 word\./],
    ['Chinese', '今天天气怎么样？', /^You asked a question of [2-8] words/],
    ['nothing', '', /^You gave a task of 0 words/],
    ['NUL and half a surrogate pair', 'a\u0000b \ud800', /^You gave a task of \d words?/],
    ['a megabyte', 'word '.repeat(200_000), /^You gave a task of at least 1000 words/],
  ])('says true things of a task that is %s', async (_name, description, expected) => {
    const { messages, status } = await demoRun(description);
    expect(status).toBe('completed');
    expect(messages.at(-1)!.content).toMatch(expected);
    for (const { content } of messages) expect(content.length).toBeLessThan(1_000);
  });

  test('takes no longer than its pauses, which add up to one to three seconds', async () => {
    let paused = 0;
    const pause = async (ms: number) => {
      paused += ms;
    };
    await demoRun('Plan a trip to the moon', createDemoTeam({ pause }));
    expect(paused).toBeGreaterThan(500);
    expect(paused).toBeLessThan(3_000);
  });

  test('stops in the middle of a pause when it is asked to', async () => {
    const { indelible } = temporaryLog();
    const runner = new Runner(indelible, [demoTeam]);
    const { ended } = await runner.start({ description: 'Plan a trip to the moon', planId: 'p' });
    await runner.close(60_000);
    expect(await ended).toBe('in_progress'); // It is repeatable: another process may go on with it.
    expect(await indelible.persistence.getMessagesForPlan('p')).toEqual([]);
  });
});
