import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { convertToModelMessages, isStepCount, streamText, tool, type UIMessage } from 'ai';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { chatMessages, durable } from '../../src/agents/aiSdk.ts';
import { IndelibleChatTransport } from '../../src/agents/aiSdkClient.ts';
import { Indelible } from '../../src/agents/indelible.ts';
import { systemClock } from '../../src/resilience/clock.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { Page } from './aiSdkPage.ts';
import { calls, finish, Gate, type Step, says, scriptedModel, words } from './aiSdkScript.ts';
import { ChatServer } from './chatServer.ts';

const planId = 'chat-1';
let indelible: Indelible;
let server: ChatServer;
let script: Step[][];
let toolWaits: () => Promise<void>;

const lookUp = tool({
  description: 'Looks up.',
  inputSchema: z.object({ q: z.string() }),
  execute: async ({ q }) => {
    await toolWaits();
    return { found: q };
  },
});

async function chat(request: Request): Promise<Response> {
  const { id, messages } = (await request.json()) as { id: string; messages: UIMessage[] };
  const chat = durable({ log: indelible, planId: id, messages });
  const result = streamText({
    ...chat.settings({ model: scriptedModel(...script), tools: { lookUp } }),
    messages: await convertToModelMessages(messages),
    stopWhen: isStepCount(5),
    onError: () => {},
  });
  return chat.respond(result);
}

const transport = (patienceMs = 60_000) =>
  new IndelibleChatTransport({ server: server.url, api: `${server.chatUrl}/api/chat`, patienceMs });

/** A page as it is when it is loaded: with what the server knows, and resumed. */
async function loaded(patienceMs?: number): Promise<{ page: Page; resumed: Promise<void> }> {
  const page = new Page(planId, transport(patienceMs), await chatMessages(indelible, planId));
  return { page, resumed: page.resumeStream() };
}

beforeEach(async () => {
  toolWaits = async () => {};
  indelible = new Indelible(await openSqliteStore(':memory:'));
  server = await ChatServer.start(indelible, chat);
});

afterEach(async () => {
  await server.close();
  await indelible.close();
});

const read = async () => JSON.parse(JSON.stringify(await chatMessages(indelible, planId)));
const stored = async () => (await indelible.persistence.getMessagesForPlan(planId)).map(({ content }) => content);

describe('a page that is loaded in the middle of an answer', () => {
  const wholeTexts = ['To Lisbon?', 'Let me see.', '{"found":"Lisbon"}', 'It is 95 euros.'];

  function paused(where: 'before the first word' | 'in a text' | 'while a tool works' | 'in the second step'): Gate {
    const gate = new Gate();
    const first = where === 'in a text' ? words('Let me see.', { after: 'me', for: gate.pass }) : words('Let me see.');
    const answer = 'It is 95 euros.';
    const second = where === 'in the second step' ? words(answer, { after: '95', for: gate.pass }) : words(answer);
    const begin = where === 'before the first word' ? [gate.pass] : [];
    if (where === 'while a tool works') toolWaits = gate.pass;
    script = [
      [...begin, ...first, ...calls('lookUp', { q: 'Lisbon' }, 'c1')],
      [...second, finish()],
    ];
    return gate;
  }

  test.each(['before the first word', 'in a text', 'while a tool works', 'in the second step'] as const)(
    '1.4, P8: %s goes on with it, and ends with the same as the page that watched, and as the log',
    async (where) => {
      const gate = paused(where);
      const watching = new Page(planId, transport());
      const sent = watching.sendMessage({ text: 'To Lisbon?' });
      await gate.reached;
      const { page, resumed } = await loaded();
      await expect.poll(() => server.watchers).toBe(1);
      if (where === 'in a text') await expect.poll(() => page.text).toContain('Let me ');
      gate.open();
      await Promise.all([sent, resumed]);
      expect(page.status).toBe('ready');
      expect(page.drawn).toEqual(watching.drawn);
      expect(page.drawn).toEqual(await read());
      expect(await stored()).toEqual(wholeTexts);
    },
  );

  test('1.2, 1.4: with the page gone, killed, in the middle, the messages are the same', async () => {
    const gate = paused('in a text');
    const body = JSON.stringify({
      id: planId,
      messages: [{ id: 'u1', role: 'user', parts: [{ type: 'text', text: 'To Lisbon?' }] }],
    });
    const request = httpRequest(`${server.chatUrl}/api/chat`, { method: 'POST' }).on('error', () => {});
    request.end(body);
    const [response] = await once(request, 'response');
    response.on('error', () => {});
    await once(response, 'data');
    await gate.reached;
    request.destroy();
    const { page, resumed } = await loaded();
    gate.open();
    await resumed;
    expect(page.drawn).toEqual(await read());
    expect(await stored()).toEqual(wholeTexts);
  });

  test('P8: a connection that breaks twice on the way loses nothing and repeats nothing', async () => {
    const gate = paused('in a text');
    const later = new Gate();
    toolWaits = later.pass;
    const watching = new Page(planId, transport());
    const sent = watching.sendMessage({ text: 'To Lisbon?' });
    await gate.reached;
    const { page, resumed } = await loaded();
    await expect.poll(() => page.text).toContain('Let me ');
    server.cut();
    gate.open();
    await later.reached;
    server.cut();
    later.open();
    await Promise.all([sent, resumed]);
    expect(page.drawn).toEqual(watching.drawn);
  });

  test('waits without limit for the first word of an answer whose model was asked', async () => {
    const gate = paused('before the first word');
    const sent = new Page(planId, transport()).sendMessage({ text: 'To Lisbon?' });
    await gate.reached;
    const { page, resumed } = await loaded(30);
    await new Promise((resolve) => setTimeout(resolve, 200));
    gate.open();
    await Promise.all([sent, resumed]);
    expect(page.text).toContain('Let me see.');
  });

  test.each([0, 3_600_000])(
    'an answer that is written again, %i ms after the first, takes its place on a page that is loaded meanwhile',
    async (agoMs) => {
      const gate = new Gate();
      script = [says('The first answer.')];
      const asking = new Page(planId, transport());
      await asking.sendMessage({ text: 'To Lisbon?' });
      script = [[...words('The second one.', { after: 'second', for: gate.pass }), finish()]];
      const again = asking.regenerate();
      await gate.reached;
      const clock = { ...systemClock, now: () => Date.now() + agoMs };
      const late = new IndelibleChatTransport({ server: server.url, clock });
      const page = new Page(planId, late, await chatMessages(indelible, planId));
      expect(page.text).toContain('The first answer.');
      const resumed = page.resumeStream();
      await expect.poll(() => page.text).toBe('To Lisbon?||The second ');
      gate.open();
      await Promise.all([again, resumed]);
      const [question, answer] = await read();
      expect(page.drawn).toEqual([question, { ...answer, id: page.messages[1]?.id }]);
      expect(asking.text).toBe('To Lisbon?||The second one.');
    },
  );

  test('a page that lost its own answer half-way takes it up again under the same id', async () => {
    const gate = paused('in a text');
    const page = new Page(planId, transport());
    const sent = page.sendMessage({ text: 'To Lisbon?' });
    await gate.reached;
    await page.stop();
    await sent;
    const resumed = page.resumeStream();
    gate.open();
    await resumed;
    expect(page.messages).toHaveLength(2);
    expect(page.drawn).toEqual(await read());
  });
});

describe('a page that is loaded when nothing is being written', () => {
  test('has the answer that was finished while it was loading', async () => {
    script = [says('Done.')];
    const before = await chatMessages(indelible, planId);
    await new Page(planId, transport()).sendMessage({ text: 'Do.' });
    const page = new Page(planId, transport(), before);
    await page.resumeStream();
    expect(page.messages.at(-1)?.parts.at(-1)).toMatchObject({ type: 'text', text: 'Done.' });
  });

  test('is left alone where the answer was finished long ago, and where there was none', async () => {
    script = [says('Done.')];
    const clock = { ...systemClock, now: () => Date.now() + 3_600_000 };
    const late = new IndelibleChatTransport({ server: server.url, clock });
    expect(await late.reconnectToStream({ chatId: planId })).toBeNull();
    await new Page(planId, transport()).sendMessage({ text: 'Do.' });
    expect(await late.reconnectToStream({ chatId: planId })).toBeNull();
    await expect.poll(() => server.watchers).toBe(0);
  });

  test('waits for an answer that is due as long as it has patience, and no longer', async () => {
    await indelible.save({ planId, agentName: 'user', agentType: 'user', content: 'Anybody?' });
    const { page, resumed } = await loaded(50);
    await resumed;
    expect(page.status).toBe('ready');
    expect(page.messages).toHaveLength(1);
    await expect.poll(() => server.watchers).toBe(0);
  });

  test('ends with the question that another page asked meanwhile', async () => {
    await indelible.save({ planId, agentName: 'user', agentType: 'user', content: 'Anybody?' });
    const { page, resumed } = await loaded();
    await expect.poll(() => server.watchers).toBe(1);
    await indelible.save({ planId, agentName: 'user', agentType: 'user', content: 'Nobody?' });
    await resumed;
    expect(page.messages).toHaveLength(1);
  });

  test('is told so where the server refuses', async () => {
    const refusing = new IndelibleChatTransport({ fetch: async () => new Response('', { status: 403 }) });
    await expect(refusing.reconnectToStream({ chatId: planId })).rejects.toMatchObject({ code: 'server_unreachable' });
  });
});
