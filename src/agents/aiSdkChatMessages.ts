import { readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai';
import { parseMessageBytes, type WireMessageBody } from '../protocol/messageBytes.ts';
import type { MessageLog } from '../store/messageLog.ts';
import { readAll } from '../store/readAll.ts';
import { type Turn, turnsOf } from './aiSdkConversation.ts';
import { AiSdkReplay } from './aiSdkReplay.ts';

/**
 * The messages of a plan as `useChat` takes them (`messages`): as far as the log goes now, an answer that is still being
 * written with the steps that are whole. With what was edited or asked for again, the chat as it was left.
 *
 * Unlike saves, this rejects where the database is away: an empty chat would be a wrong one.
 */
export async function chatMessages(
  indelible: { readonly store: { readonly log: Pick<MessageLog, 'read'> } },
  planId: string,
): Promise<UIMessage[]> {
  const messages: WireMessageBody[] = [];
  for await (const { body } of readAll(indelible.store.log, planId)) messages.push(parseMessageBytes(body));
  return Promise.all(turnsOf(messages).map((turn) => (turn.role === 'user' ? userMessage(turn) : answer(turn))));
}

function userMessage({ id, messages }: Turn): UIMessage {
  const [message] = messages;
  const { content_blocks: blocks, ui_metadata: metadata } = message?.metadata ?? {};
  const parts = Array.isArray(blocks) ? blocks : [{ type: 'text', text: message?.content ?? '' }];
  return { id, role: 'user', parts, ...(metadata === undefined ? {} : { metadata }) } as UIMessage;
}

/** Built by the AI SDK itself, of what it would have streamed: so it is the same as on a page that saw it come. */
async function answer({ id, messages }: Turn): Promise<UIMessage> {
  const replay = new AiSdkReplay();
  const chunks = [...replay.begin(id), ...messages.flatMap((message) => replay.message(message)), ...replay.end()];
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  let last: UIMessage = { id, role: 'assistant', parts: [] };
  for await (const message of readUIMessageStream({ stream })) last = message;
  return last;
}
