/**
 * A chat on the AI SDK whose messages are all in the database, though the page is gone after the first word.
 * Three lines make it so (1, 2, 3), and `chat.` where the request had its model and made its response; the rest is a route as
 * it might have been before. Runs offline: its model is the AI SDK's own fake one.
 *
 *     node --experimental-strip-types examples/ai-sdk/chat.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertToModelMessages, isStepCount, simulateReadableStream, streamText, tool, type UIMessage } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { chatMessages, durable, openIndelible } from 'indelible/ai-sdk'; // 1
import { z } from 'zod';

const folder = mkdtempSync(join(tmpdir(), 'indelible-example-'));
const indelible = await openIndelible({ store: `sqlite:${join(folder, 'messages.db')}` }); // 2

const findFlights = tool({
  description: 'Finds flights.',
  inputSchema: z.object({ to: z.string() }),
  execute: async ({ to }) => [`08:10 to ${to} (€120)`, `17:45 to ${to} (€95)`],
});
const usage = {
  inputTokens: { total: 10, noCache: 10, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 10, text: 10, reasoning: undefined },
};
const words = ['Take ', 'the ', 'flight ', 'at ', '17:45: ', 'it ', 'is ', 'the ', 'cheaper ', 'one.'];
const model = new MockLanguageModelV4({
  doStream: [
    {
      stream: simulateReadableStream({
        chunks: [
          { type: 'tool-call', toolCallId: 'call-1', toolName: 'findFlights', input: '{"to":"Lisbon"}' },
          { type: 'finish', usage, finishReason: { unified: 'tool-calls', raw: undefined } },
        ],
      }),
    },
    {
      stream: simulateReadableStream({
        chunkDelayInMs: 20,
        chunks: [
          { type: 'text-start', id: '1' },
          ...words.map((delta) => ({ type: 'text-delta' as const, id: '1', delta })),
          { type: 'text-end', id: '1' },
          { type: 'finish', usage, finishReason: { unified: 'stop', raw: undefined } },
        ],
      }),
    },
  ],
});

/** The route that `useChat` asks. */
async function POST(request: Request): Promise<Response> {
  const { id, messages } = (await request.json()) as { id: string; messages: UIMessage[] };
  const chat = durable({ log: indelible, planId: id, messages }); // 3
  const result = streamText({
    ...chat.settings({ model, tools: { findFlights } }),
    messages: await convertToModelMessages(messages),
    stopWhen: isStepCount(5),
  });
  return chat.respond(result);
}

const question = { id: 'm1', role: 'user', parts: [{ type: 'text', text: 'Get me to Lisbon, cheaply.' }] };
const body = JSON.stringify({ id: 'trip', messages: [question] });
const response = await POST(new Request('http://localhost/api/chat', { method: 'POST', body }));

const reader = response.body?.getReader();
await reader?.read();
await reader?.cancel();
console.log('The page is gone. The answer is written all the same:\n');

let chat = await chatMessages(indelible, 'trip');
while (!JSON.stringify(chat).includes('cheaper one.')) {
  await new Promise((resolve) => setTimeout(resolve, 50));
  chat = await chatMessages(indelible, 'trip');
}
for (const message of await indelible.persistence.getMessagesForPlan('trip')) {
  const said = message.content || JSON.stringify(message.metadata['tool_calls']);
  console.log(`${message.sequence}  ${message.agentName} (${message.agentType}): ${said}`);
}
console.log(
  `\nA page that is loaded now shows ${chat.length} messages, the last of ${chat.at(-1)?.parts.length} parts.`,
);
await indelible.close();
rmSync(folder, { recursive: true });
