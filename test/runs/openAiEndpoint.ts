import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** What the endpoint does with one request. */
export type Reply =
  /** Says it, word by word where it is asked to stream. */
  | string
  | { readonly calls: readonly { readonly name: string; readonly arguments: string }[] }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body: string }
  /** Never answers, or never answers to the end. */
  | { readonly hang: 'at once' | 'after a word' }
  /** Says a word, then the connection breaks. */
  | { readonly breaks: true };

export interface ChatRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly model: string;
    readonly stream?: boolean;
    readonly tools?: readonly { readonly function: { readonly name: string } }[];
    readonly messages: readonly {
      readonly role: string;
      readonly content: string | null;
      readonly tool_calls?: readonly { readonly function: { readonly name: string; readonly arguments: string } }[];
      readonly tool_call_id?: string;
    }[];
  };
}

export interface OpenAiEndpoint {
  readonly baseUrl: string;
  /** In the order in which they came. */
  readonly requests: readonly ChatRequest[];
}

/**
 * A server that speaks OpenAI's chat completions over HTTP and gives the replies in turn, one for each request; beyond
 * the last it answers 418. What it sends is what the protocol's own servers send: chunks as server-sent events, the
 * arguments of a tool call in pieces, the usage in the last chunk, `[DONE]`.
 */
export async function openAiEndpoint(replies: readonly Reply[]): Promise<OpenAiEndpoint> {
  const requests: ChatRequest[] = [];
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST' || request.url !== '/v1/chat/completions') {
      response.writeHead(404).end('{"error":{"message":"no such call"}}');
      return;
    }
    const body = await readBody(request);
    requests.push({ headers: request.headers, body });
    const reply = replies[requests.length - 1] ?? { status: 418, body: '{"error":{"message":"nothing more to say"}}' };
    if (typeof reply === 'object' && 'status' in reply) {
      response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers }).end(reply.body);
    } else if (typeof reply === 'object' && 'hang' in reply && reply.hang === 'at once') {
      return;
    } else if (body.stream === true) sendStream(response, reply, body.model, requests.length);
    else sendWhole(response, reply, body.model, requests.length);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, requests };
}

const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

type Spoken = Exclude<Reply, { readonly status: number }>;

function sendStream(response: ServerResponse, reply: Spoken, model: string, turn: number): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (chunk: object) => {
    const frame = { id: `chatcmpl-${turn}`, object: 'chat.completion.chunk', created: 1, model, ...chunk };
    response.write(`data: ${JSON.stringify(frame)}\n\n`);
  };
  const say = (delta: object, finish_reason: string | null = null) =>
    send({ choices: [{ index: 0, delta, finish_reason }] });

  say({ role: 'assistant', content: '' });
  if (typeof reply === 'object' && !('calls' in reply)) {
    say({ content: 'Half ' });
    if ('breaks' in reply) setTimeout(() => response.destroy(), 20);
    return;
  }
  if (typeof reply === 'string') {
    for (const word of reply.match(/\s*\S+/g) ?? []) say({ content: word });
    say({}, 'stop');
  } else {
    reply.calls.forEach((call, index) => {
      const { name, arguments: text } = call;
      say({
        tool_calls: [{ index, id: `call_${turn}_${index}`, type: 'function', function: { name, arguments: '' } }],
      });
      for (const piece of text.match(/.{1,4}/gs) ?? []) {
        say({ tool_calls: [{ index, function: { arguments: piece } }] });
      }
    });
    say({}, 'tool_calls');
  }
  send({ choices: [], usage });
  response.end('data: [DONE]\n\n');
}

function sendWhole(response: ServerResponse, reply: Spoken, model: string, turn: number): void {
  const calls = typeof reply === 'object' && 'calls' in reply ? reply.calls : [];
  const tool_calls = calls.map((call, index) => ({ id: `call_${turn}_${index}`, type: 'function', function: call }));
  const message = { role: 'assistant', content: typeof reply === 'string' ? reply : null, tool_calls };
  const choices = [{ index: 0, message, finish_reason: calls.length === 0 ? 'stop' : 'tool_calls' }];
  const answer = { id: `chatcmpl-${turn}`, object: 'chat.completion', created: 1, model, choices, usage };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
}

async function readBody(request: IncomingMessage): Promise<ChatRequest['body']> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return JSON.parse(text);
}
