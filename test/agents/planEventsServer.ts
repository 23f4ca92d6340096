import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { Indelible } from '../../src/agents/indelible.ts';
import { decodeCursor, encodeCursor } from '../../src/protocol/cursor.ts';
import type { LiveEvent } from '../../src/protocol/liveEvent.ts';
import { type LogPosition, logStart } from '../../src/store/messageLog.ts';

/**
 * A page's server: `POST /api/chat` is given to `chat`, and `GET /api/v1/plans/{id}/events` tells `indelible.v1` as
 * PROTOCOL.md has it, of one process, drafts in memory. The product's own server takes its place where it has the endpoint.
 */
export class PlanEventsServer {
  readonly #indelible: Indelible;
  readonly #server: Server;
  readonly #drafts = new Map<string, { planId: string; agentName: string; text: string; done: boolean }>();
  readonly #watching = new Set<{ planId: string; tell: (frame: object) => void; response: ServerResponse }>();

  private constructor(indelible: Indelible, chat: (request: Request) => Promise<Response>) {
    this.#indelible = indelible;
    this.#server = createServer((request, response) => {
      const found = /^\/api\/v1\/plans\/([^/]+)\/events(?:\?after=(.*))?$/.exec(request.url ?? '');
      if (found?.[1] !== undefined) return this.#events(decodeURIComponent(found[1]), found[2], response);
      void answerChat(request, response, chat);
    });
    const publish = indelible.feed.publish.bind(indelible.feed);
    indelible.feed.publish = (event) => {
      publish(event);
      this.#follow(event);
    };
  }

  static async start(indelible: Indelible, chat: (request: Request) => Promise<Response>): Promise<PlanEventsServer> {
    const started = new PlanEventsServer(indelible, chat);
    await new Promise<void>((resolve) => started.#server.listen(0, '127.0.0.1', resolve));
    return started;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many watch now. */
  get watchers(): number {
    return this.#watching.size;
  }

  /** Cuts the connections of all who watch. */
  cut(): void {
    for (const { response } of this.#watching) response.destroy();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #follow(event: LiveEvent): void {
    if (!('streamId' in event)) return;
    const { planId, streamId: draft_id, agentName } = event;
    const draft = this.#drafts.get(draft_id) ?? { planId, agentName, text: '', done: false };
    this.#drafts.set(draft_id, draft);
    const offset = draft.text.length;
    const piece = event.type === 'agent_message_streaming' ? event.delta : '';
    draft.text += piece;
    draft.done = event.type === 'agent_stream_end';
    const done = draft.done ? { done: true } : {};
    const frame = { type: 'draft', plan_id: planId, draft_id, agent_name: agentName, offset, text: piece, ...done };
    for (const watching of this.#watching) if (watching.planId === planId) watching.tell(frame);
    if (draft.done) this.#drafts.delete(draft_id);
  }

  #events(planId: string, after: string | undefined, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const tell = (frame: object) => response.write(`event: x\ndata: ${JSON.stringify(frame)}\n\n`);
    const { log } = this.#indelible.store;
    const place =
      after === undefined ? logStart : decodeCursor(decodeURIComponent(after), { epoch: log.epoch, planId });
    if (place === 'reset') return void response.end(`data: {"type":"reset"}\n\n`);
    let position: LogPosition = place;
    const cursor = () => encodeCursor({ epoch: log.epoch, planId, ...position });
    const subscription = this.#indelible.feed.subscribe(planId, place, {
      messages: (messages) => {
        for (const { sequence, version, body } of messages) {
          position = { ...position, sequence };
          tell({ type: 'message', plan_id: planId, sequence, version, message: JSON.parse(body), cursor: cursor() });
        }
      },
      caughtUp: () => {
        for (const [draft_id, { planId: of, agentName, text }] of this.#drafts) {
          if (of !== planId) continue;
          tell({ type: 'draft', plan_id: planId, draft_id, agent_name: agentName, offset: 0, text });
        }
        tell({ type: 'caught_up', plan_id: planId, cursor: cursor() });
        this.#watching.add(watching);
      },
    });
    const watching = { planId, tell, response };
    response.on('close', () => {
      this.#watching.delete(watching);
      subscription.close();
    });
  }
}

async function answerChat(
  request: IncomingMessage,
  response: ServerResponse,
  chat: (request: Request) => Promise<Response>,
): Promise<void> {
  const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const answer = await chat(new Request('http://page/api/chat', { method: 'POST', body, signal: gone.signal }));
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  const stream = Readable.fromWeb(answer.body as ReadableStream);
  stream.on('error', () => {});
  response.on('close', () => stream.destroy());
  stream.pipe(response);
}
