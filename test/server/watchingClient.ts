import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import type { Json } from './http.ts';
import type { TestServer } from './testServer.ts';
import { UntilFrames } from './untilFrames.ts';

/** A client as the previous ones are: connects, reads frames. */
export class WatchingClient {
  readonly ws: WebSocket;
  readonly frames: Json[] = [];
  readonly closed: Promise<number>;
  readonly #frames = new UntilFrames();

  constructor(url: string, options: ClientOptions = {}) {
    this.ws = new WebSocket(url, options);
    this.closed = new Promise((resolve) => {
      this.ws.on('close', (code) => {
        resolve(code);
        this.#look();
      });
    });
    this.ws.on('error', () => {});
    this.ws.on('message', (data) => {
      this.frames.push(JSON.parse(data.toString()));
      this.#look();
    });
    onTestFinished(() => this.ws.terminate());
  }

  /** The rows of the messages it saw, as the web app reads them: one level down. */
  get rows(): Json[] {
    return this.frames.filter((frame) => 'sequence' in (frame.data ?? {})).map((frame) => frame.data);
  }

  get sequences(): number[] {
    return this.rows.map((row) => row.sequence);
  }

  ofType(type: string): Json[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  /** Resolves when the condition holds; rejects if the socket is closed before. */
  until(condition: (client: this) => boolean): Promise<void> {
    return this.#frames.until(this.ws, () => condition(this));
  }

  send(frame: unknown): void {
    this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** What the server answers to a frame, given that it sends nothing else of that type. */
  async ask(frame: unknown, type: string): Promise<Json> {
    const before = this.ofType(type).length;
    this.send(frame);
    await this.until(() => this.ofType(type).length > before);
    return this.ofType(type)[before];
  }

  /** All that was sent before this call has been read. */
  async settled(): Promise<void> {
    await this.ask({ type: 'ping' }, 'pong');
  }

  async close(code = 1000): Promise<void> {
    this.ws.close(code);
    await this.closed;
  }

  #look(): void {
    this.#frames.look();
  }
}

let users = 0;

export function socketUrl({ port }: TestServer, planId: string, userId = `user-${++users}`): string {
  return `ws://127.0.0.1:${port}/api/v3/socket/${encodeURIComponent(planId)}?user_id=${encodeURIComponent(userId)}`;
}

/** Resolves when the client has read its first frame. */
export async function watch(server: TestServer, planId: string, userId?: string): Promise<WatchingClient> {
  const client = new WatchingClient(socketUrl(server, planId, userId));
  await client.until(({ frames }) => frames.length > 0);
  return client;
}

/** The status with which an upgrade is refused. */
export async function refusedUpgrade(
  url: string,
  options: ClientOptions = {},
  protocols: readonly string[] = [],
): Promise<number> {
  const ws = new WebSocket(url, [...protocols], options);
  ws.on('error', () => {});
  const answer = await Promise.race([
    once(ws, 'unexpected-response').then(([, response]) => response.statusCode as number),
    once(ws, 'open').then(() => 101),
  ]);
  ws.terminate();
  return answer;
}
