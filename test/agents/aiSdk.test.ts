import {
  convertToModelMessages,
  generateText,
  isStepCount,
  readUIMessageStream,
  streamText,
  type ToolSet,
  tool,
  type UIMessage,
} from 'ai';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { chatMessages, type DurableChat, durable } from '../../src/agents/aiSdk.ts';
import { Indelible } from '../../src/agents/indelible.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { withFaults } from '../../src/testing/faultyStore.ts';
import { calls, finish, Gate, type Step, says, scriptedModel, words } from './aiSdkScript.ts';
import { RecordingLog, unwatched } from './recordingLog.ts';

const planId = 'chat-1';
const asks = (text: string, id = `u-${text}`): UIMessage => ({ id, role: 'user', parts: [{ type: 'text', text }] });
const question = [asks('To Lisbon?')];
const lookUpBy = (execute: (asked: { q: string }) => Promise<unknown>) =>
  tool({ description: 'Looks up.', inputSchema: z.object({ q: z.string() }), execute });
const lookUp = lookUpBy(async ({ q }) => ({ found: q, price: 95 }));
const script = (): Step[][] => [calls('lookUp', { q: 'Lisbon' }, 'call-1'), says('It is 95 euros.')];

async function asked(chat: DurableChat, model: ReturnType<typeof scriptedModel>, messages: UIMessage[] = question) {
  return streamText({
    ...chat.settings({ model, tools: { lookUp } }),
    messages: await convertToModelMessages(messages),
    stopWhen: isStepCount(5),
    onError: () => {},
  });
}

async function whole(response: Response): Promise<string> {
  return response.text();
}

async function withIndelible<T>(use: (indelible: Indelible) => Promise<T>): Promise<T> {
  const indelible = new Indelible(await openSqliteStore(':memory:'));
  try {
    return await use(indelible);
  } finally {
    await indelible.close();
  }
}

/** A page that watches: the message as it ends there. */
async function shown(chat: DurableChat, result: Awaited<ReturnType<typeof asked>>): Promise<UIMessage> {
  let last: UIMessage | undefined;
  for await (const message of readUIMessageStream({ stream: chat.uiStream(result, { sendSources: true }) }))
    last = message;
  return JSON.parse(JSON.stringify(last));
}

describe('a request of the AI SDK is in the log', () => {
  test('the question is saved before the model is asked, an answer before its tool starts, all before the end', async () => {
    const log = new RecordingLog({ delayMs: 40 });
    const model = scriptedModel(...script());
    const chat = durable({ log, planId, messages: question });
    const { doStream } = model;
    model.doStream = async (options) => {
      log.note('model asked');
      return doStream(options);
    };
    const noting = lookUpBy(async () => {
      log.note('tool starts');
      return 'found';
    });
    const result = streamText({
      ...chat.settings({ model, tools: { lookUp: noting } }),
      messages: await convertToModelMessages(question),
      stopWhen: isStepCount(5),
    });
    await whole(chat.respond(result));
    log.note('response ends');
    expect(log.timeline.filter((event) => /^(saved|model|tool|response)/.test(event))).toEqual([
      'saved user: To Lisbon?',
      'model asked',
      'saved assistant: tool call',
      'tool starts',
      'saved lookUp: found',
      'model asked',
      'saved assistant: It is 95 euros.',
      'response ends',
    ]);
  });

  test('each message has what was said, and in the metadata what else there was', async () => {
    const log = new RecordingLog();
    const chat = durable({ log, planId, messages: question, agentName: 'Guide' });
    await whole(chat.respond(await asked(chat, scriptedModel(...script()))));
    expect(log.messages).toMatchObject([
      { agentName: 'user', agentType: 'user', content: 'To Lisbon?', metadata: { ui_id: 'u-To Lisbon?' } },
      {
        agentName: 'Guide',
        agentType: 'agent',
        content: '',
        metadata: {
          tool_calls: [{ name: 'lookUp', args: { q: 'Lisbon' }, id: 'call-1' }],
          finish_reason: 'tool-calls',
          follows: 'u-To Lisbon?',
        },
      },
      {
        agentName: 'lookUp',
        agentType: 'tool',
        metadata: { tool_call_id: 'call-1', output: { found: 'Lisbon', price: 95 } },
      },
      { agentName: 'Guide', content: 'It is 95 euros.', metadata: { finish_reason: 'stop' } },
    ]);
    expect(new Set(log.messages.map(({ messageId }) => messageId)).size).toBe(4);
  });

  test('Property 3: the same messages with a watcher, without one, with nobody reading, and not streamed at all', async () => {
    const runs: Record<string, (log: RecordingLog) => Promise<unknown>> = {
      watched: async (log) => {
        const chat = durable({ log, planId, messages: question });
        await whole(chat.respond(await asked(chat, scriptedModel(...script()))));
      },
      unwatched: async (log) => {
        const chat = durable({ log: unwatched(log), planId, messages: question });
        await whole(chat.respond(await asked(chat, scriptedModel(...script()))));
      },
      unread: async (log) => {
        const chat = durable({ log, planId, messages: question });
        const result = await asked(chat, scriptedModel(...script()));
        await chat.respond(result).body?.cancel();
        // Nothing of the result is asked for: that alone would read it.
        await expect.poll(() => log.messages).toHaveLength(4);
      },
      generated: async (log) => {
        const chat = durable({ log, planId, messages: question });
        const settings = chat.settings({ model: scriptedModel(...script()), tools: { lookUp } });
        const messages = await convertToModelMessages(question);
        await generateText({ ...settings, messages, stopWhen: isStepCount(5) });
      },
    };
    const found: unknown[] = [];
    for (const run of Object.values(runs)) {
      const log = new RecordingLog();
      await run(log);
      found.push(log.messages.map(({ messageId: _, ...rest }) => rest));
    }
    expect(found[0]).toHaveLength(4);
    for (const other of found.slice(1)) expect(other).toEqual(found[0]);
  });

  test('text is shown as it comes, under the id of the message it becomes', async () => {
    const log = new RecordingLog();
    const chat = durable({ log, planId, messages: question });
    await whole(chat.respond(await asked(chat, scriptedModel(says('Two words.')))));
    const id = log.messages.at(-1)?.messageId ?? '';
    expect(log.shown.get(id)).toEqual(['start assistant', 'Two ', 'words.', 'end Two words.']);
  });

  test('the page is told the id that the log has', async () => {
    const log = new RecordingLog();
    const chat = durable({ log, planId, messages: question });
    const message = await shown(chat, await asked(chat, scriptedModel(...script())));
    expect(message.id).toBe(log.messages[1]?.messageId);
  });

  test('what tools answered last is saved though no model is asked again', async () => {
    const log = new RecordingLog();
    const chat = durable({ log, planId });
    const settings = chat.settings({ model: scriptedModel(calls('lookUp', { q: 'x' }, 'c')), tools: { lookUp } });
    await generateText({ ...settings, prompt: 'Look up.', stopWhen: isStepCount(1) });
    expect(log.said).toEqual(['user: Look up.', 'assistant: ', 'lookUp: {"found":"x","price":95}']);
  });

  test('without the hook what tools answered is saved when the next step begins', async () => {
    const log = new RecordingLog();
    const model = durable({ log, planId }).wrap(scriptedModel(...script()));
    await generateText({ model, tools: { lookUp }, prompt: 'To Lisbon?', stopWhen: isStepCount(5) });
    expect(log.messages.map(({ agentType }) => agentType)).toEqual(['user', 'agent', 'tool', 'agent']);
  });

  test('a tool that fails is saved with its error', async () => {
    const log = new RecordingLog();
    const chat = durable({ log, planId });
    const broken = lookUpBy(async () => {
      throw new Error('no network');
    });
    const settings = chat.settings({ model: scriptedModel(...script()), tools: { lookUp: broken } });
    await generateText({ ...settings, prompt: 'To Lisbon?', stopWhen: isStepCount(5) });
    expect(log.messages[2]).toMatchObject({ content: 'no network', metadata: { status: 'error' } });
  });

  test('a model that uses the same call id again is saved both times', async () => {
    const log = new RecordingLog();
    const chat = durable({ log, planId });
    const twice = [calls('lookUp', { q: 'a' }, 'c'), calls('lookUp', { q: 'b' }, 'c'), says('Done.')];
    const settings = chat.settings({ model: scriptedModel(...twice), tools: { lookUp } });
    await generateText({ ...settings, prompt: 'Look up.', stopWhen: isStepCount(5) });
    const answers = log.messages.filter(({ agentType }) => agentType === 'tool');
    expect(answers.map(({ metadata }) => metadata?.['output'])).toMatchObject([{ found: 'a' }, { found: 'b' }]);
    expect(answers[0]?.messageId).not.toBe(answers[1]?.messageId);
  });
});

describe('a request goes on to its end', () => {
  test('1.2: the client goes in the middle of the first answer, and both answers are saved whole', async () => {
    const log = new RecordingLog();
    const gate = new Gate();
    const first: Step[] = [
      ...words('Let me see now.', { after: 'me', for: gate.pass }),
      ...calls('lookUp', { q: 'x' }, 'c'),
    ];
    const chat = durable({ log, planId, messages: question });
    const result = await asked(chat, scriptedModel(first, says('It is 95 euros.')));
    const reader = chat.respond(result).body?.getReader();
    await reader?.read();
    await gate.reached;
    await reader?.cancel();
    gate.open();
    // Nothing of the result is asked for: that alone would read it.
    await expect
      .poll(() => log.said.map((said) => said.replace(/\{.*/, '…')))
      .toEqual(['user: To Lisbon?', 'assistant: Let me see now.', 'lookUp: …', 'assistant: It is 95 euros.']);
  });

  test('a model whose stream is given up on by its reader is read to its end all the same', async () => {
    const log = new RecordingLog();
    const gate = new Gate();
    const model = durable({ log, planId }).wrap(
      scriptedModel([...words('One two three.', { after: 'two', for: gate.pass }), finish()]),
    );
    const { stream } = await model.doStream({
      prompt: [{ role: 'user', content: [{ type: 'text', text: 'Count.' }] }],
    });
    await stream.cancel();
    gate.open();
    await expect.poll(() => log.said).toEqual(['user: Count.', 'assistant: One two three.']);
  });

  test('an answer that is aborted is saved as far as it came, and says so', async () => {
    const log = new RecordingLog();
    const gate = new Gate();
    const stop = new AbortController();
    const cut = async () => {
      await gate.pass();
      throw new DOMException('stopped', 'AbortError');
    };
    const chat = durable({ log, planId, messages: question });
    const result = streamText({
      ...chat.settings({ model: scriptedModel(words('One two three.', { after: 'two', for: cut })) }),
      messages: await convertToModelMessages(question),
      abortSignal: stop.signal,
      onError: () => {},
    });
    const ended = whole(chat.respond(result));
    await gate.reached;
    stop.abort();
    gate.open();
    await ended;
    await expect
      .poll(() => log.messages[1])
      .toMatchObject({ content: 'One two ', metadata: { interrupted: 'aborted' } });
  });

  test('an answer that breaks is saved as far as it came; one that said nothing is not, and its retry has its id', async () => {
    const log = new RecordingLog();
    const chat = durable({ log, planId, messages: question });
    const model = scriptedModel([new Error('overloaded')], [...words('Half an').slice(0, 2), new Error('reset')]);
    for (const _ of [1, 2]) {
      await whole(chat.respond(await asked(chat, model))).catch(() => {}); // as without the adapter
    }
    expect(log.said).toEqual(['user: To Lisbon?', 'assistant: Half ']);
    expect(log.messages[1]).toMatchObject({ metadata: { interrupted: 'error', error: { message: 'reset' } } });
    expect([...log.shown.keys()]).toEqual([log.messages[1]?.messageId]);
  });
});

describe('a log that does not answer', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['throws', () => Promise.reject(new Error('no database'))],
    ['hangs', () => new Promise(() => {})],
  ])('2.5: that %s never harms the request', async (_how, save) => {
    const log = new RecordingLog({ save });
    const chat = durable({ log, planId, messages: question, maxWaitMs: 20 });
    const result = await asked(chat, scriptedModel(...script()));
    const text = await whole(chat.respond(result));
    expect(text).toContain('95 ');
    expect(await result.text).toBe('It is 95 euros.');
    expect(log.messages).toHaveLength(4);
  });

  test('2.5: a live channel that throws never harms the request', async () => {
    const broken = () => {
      throw new Error('no live channel');
    };
    const log = new RecordingLog();
    Object.assign(log.live, { streamStarted: broken, streamDelta: broken, streamEnded: broken });
    const chat = durable({ log, planId, messages: question });
    expect(await whole(chat.respond(await asked(chat, scriptedModel(...script()))))).toContain('95 ');
    expect(log.messages).toHaveLength(4);
  });
});

test('5.3: with the database away in the middle, all is stored, in order, once, when it is back', async () => {
  const { store, faults } = withFaults(openSqliteStore(':memory:'));
  const indelible = new Indelible(store, { persistence: { deadlineMs: 30 } });
  const chat = durable({ log: indelible, planId, messages: question });
  const away = async () => faults.refuse();
  const [first = [], second = []] = script();
  const response = chat.respond(await asked(chat, scriptedModel([away, ...first], second)));
  expect(await whole(response)).toContain('95 ');
  faults.heal();
  const stored = async () => (await indelible.persistence.getMessagesForPlan(planId)).map(({ content }) => content);
  await expect.poll(stored).toEqual(['To Lisbon?', '', '{"found":"Lisbon","price":95}', 'It is 95 euros.']);
  await indelible.close();
});

describe('a chat is read back as the page had it', () => {
  const withMore: Step[] = [
    { type: 'reasoning-start', id: 'r' },
    { type: 'reasoning-delta', id: 'r', delta: 'Trains are slow.' },
    { type: 'reasoning-end', id: 'r', providerMetadata: { mock: { signature: 'abc' } } },
    ...words('Fly.'),
    { type: 'source', sourceType: 'url', id: 's', url: 'https://example.org/', title: 'Timetable' },
    { type: 'text-start', id: '2' },
    { type: 'text-delta', id: '2', delta: ' Or not.' },
    { type: 'text-end', id: '2' },
    finish(),
  ];

  test.each<[string, Step[][]]>([
    ['text', [says('By train.')]],
    ['a tool, then text', script()],
    ['thoughts, sources, two texts', [withMore]],
    ['text with its provider’s metadata', [[...words('Yes.').map(stamped), finish()]]],
  ])('2.4: %s', async (_what, steps) => {
    await withIndelible(async (indelible) => {
      const chat = durable({ log: indelible, planId, messages: question });
      const message = await shown(chat, await asked(chat, scriptedModel(...steps)));
      const read: unknown = JSON.parse(JSON.stringify(await chatMessages(indelible, planId)));
      expect(withoutStreamIds(read)).toEqual(withoutStreamIds([question[0], message]));
    });
  });

  test('an answer asked for again, and an edited question, take the place of what was there', async () => {
    await withIndelible(async (indelible) => {
      const say = async (messages: UIMessage[], text: string) => {
        const chat = durable({ log: indelible, planId, messages });
        return shown(chat, await asked(chat, scriptedModel(says(text)), messages));
      };
      const one = asks('one', 'u1');
      const first = await say([one], 'first');
      const two = asks('two', 'u2');
      await say([one, first, two], 'second');
      const again = await say([one, first, two], 'second, again');
      expect(JSON.parse(JSON.stringify(await chatMessages(indelible, planId)))).toEqual([one, first, two, again]);
      const edited = asks('two, edited', 'u2');
      const last = await say([one, first, edited], 'third');
      expect(JSON.parse(JSON.stringify(await chatMessages(indelible, planId)))).toEqual([one, first, edited, last]);
      expect(await indelible.persistence.getMessagesForPlan(planId)).toHaveLength(7);
    });
  });

  test('a request that is sent again adds no second question', async () => {
    await withIndelible(async (indelible) => {
      for (const text of ['one', 'two']) {
        const chat = durable({ log: indelible, planId, messages: question });
        await whole(chat.respond(await asked(chat, scriptedModel(says(text)))));
      }
      const messages = await indelible.persistence.getMessagesForPlan(planId);
      expect(messages.map(({ content }) => content)).toEqual(['To Lisbon?', 'one', 'two']);
    });
  });

  test('a tool that the page answers is one message, which goes on', async () => {
    await withIndelible(async (indelible) => {
      const ask = tool({ description: 'Asks.', inputSchema: z.object({}) });
      const run = async (messages: UIMessage[], steps: Step[]) => {
        const chat = durable({ log: indelible, planId, messages });
        const settings = chat.settings({ model: scriptedModel(steps), tools: { ask } as unknown as ToolSet });
        const result = streamText({ ...settings, messages: await convertToModelMessages(messages) });
        await whole(chat.respond(result));
        return chatMessages(indelible, planId);
      };
      const [user, waiting] = await run(question, calls('ask', {}, 'c1'));
      expect((await indelible.persistence.getMessagesForPlan(planId))[1]?.metadata).toMatchObject({
        tool_calls: [{ awaits_client: true }],
      });
      const part = { ...waiting?.parts[1], state: 'output-available', output: 'yes' };
      const answered = { ...waiting, parts: [waiting?.parts[0], part] } as UIMessage;
      const [, done, ...others] = await run([user as UIMessage, answered], says('Good.'));
      expect(others).toEqual([]);
      expect(done?.id).toBe(waiting?.id);
      expect(done?.parts).toMatchObject([
        { type: 'step-start' },
        { type: 'tool-ask', state: 'output-available', output: 'yes' },
        { type: 'step-start' },
        { type: 'text', text: 'Good.' },
      ]);
    });
  });
});

function stamped(step: Step): Step {
  return 'type' in step && step.type === 'text-end' ? { ...step, providerMetadata: { mock: { item: 'm1' } } } : step;
}

/** The id of a thought is a name within its stream, and means nothing behind it. */
function withoutStreamIds(messages: unknown): unknown {
  return JSON.parse(JSON.stringify(messages), (_key, value) =>
    value?.type === 'reasoning' ? { ...value, id: undefined } : value,
  );
}
