import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { Indelible } from '../../src/agents/indelible.ts';
import { Runner } from '../../src/runs/runner.ts';
import { type Attached, attach } from '../../src/server/attach.ts';
import { listenOnFreePort } from '../../src/testing/freePort.ts';
import { sayingTeam } from '../server/testServer.ts';

type Chat = (request: Request) => Promise<Response>;

/**
 * What a page with a chat talks to: an application whose `POST /api/chat` is given to `chat`, and beside it the product's
 * own server, on the same log. Who watches there can be counted, and cut off.
 */
export class ChatServer {
  readonly #app: Server;
  readonly #api: Server;
  readonly #attached: Attached;
  readonly #watching = new Set<ServerResponse>();
  #appPort = 0;
  #apiPort = 0;

  private constructor(indelible: Indelible, chat: Chat) {
    this.#app = createServer((request, response) => void answerChat(request, response, chat));
    this.#api = createServer();
    this.#api.on('request', (request, response) => {
      if (!/^\/api\/v1\/plans\/[^/]+\/events/.test(request.url ?? '')) return;
      this.#watching.add(response);
      response.on('close', () => this.#watching.delete(response));
    });
    this.#attached = attach(this.#api, { indelible, runner: new Runner(indelible, [sayingTeam(1)]) });
  }

  static async start(indelible: Indelible, chat: Chat): Promise<ChatServer> {
    const started = new ChatServer(indelible, chat);
    started.#appPort = await listenOnFreePort(started.#app);
    started.#apiPort = await listenOnFreePort(started.#api);
    return started;
  }

  /** Of the product's server. */
  get url(): string {
    return `http://127.0.0.1:${this.#apiPort}`;
  }

  get chatUrl(): string {
    return `http://127.0.0.1:${this.#appPort}`;
  }

  get port(): number {
    return this.#apiPort;
  }

  /** How many event streams are open now. */
  get watchers(): number {
    return this.#watching.size;
  }

  /** Cuts the connections of all who watch. */
  cut(): void {
    for (const response of this.#watching) response.destroy();
  }

  async close(): Promise<void> {
    this.#app.closeAllConnections();
    await new Promise((resolve) => this.#app.close(resolve));
    await this.#attached.close();
  }
}

async function answerChat(request: IncomingMessage, response: ServerResponse, chat: Chat): Promise<void> {
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
