import { type ClientOptions, WebSocket } from 'ws';
import type { Json } from '../server/http.ts';
import { UntilFrames } from '../server/untilFrames.ts';

let users = 0;

/** A socket to /api/v3 and the frames that came over it, as they came. What a client makes of them is its own business. */
export class SocketFrames {
  readonly ws: WebSocket;
  readonly frames: Json[] = [];
  readonly closed: Promise<number>;
  readonly #frames = new UntilFrames();

  constructor(url: string, planId: string, userId = `wire-user-${++users}`, options: ClientOptions = {}) {
    const path = `/api/v3/socket/${encodeURIComponent(planId)}?user_id=${encodeURIComponent(userId)}`;
    this.ws = new WebSocket(url.replace(/^http/, 'ws') + path, options);
    this.ws.on('error', () => {});
    this.closed = new Promise((resolve) => {
      this.ws.on('close', (code) => {
        resolve(code);
        this.#frames.look();
      });
    });
    this.ws.on('message', (data) => {
      const frame = JSON.parse(data.toString());
      this.frames.push(frame);
      this.came(frame);
      this.#frames.look();
    });
  }

  /** For clients that do something with each frame. */
  came(_frame: Json): void {}

  get types(): string[] {
    return this.frames.map(({ type }) => type);
  }

  ofType(type: string): Json[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  /** Rejects if the socket is closed before, or nothing comes of it in good time. */
  async until(condition: (client: this) => boolean): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`still waiting, after ${this.types}`)), 15_000);
    });
    await Promise.race([this.#frames.until(this.ws, () => condition(this)), late]);
    clearTimeout(timer);
  }

  /** The frame of this type that is there or comes. */
  async first(type: string): Promise<Json> {
    await this.until((client) => client.ofType(type).length > 0);
    return this.ofType(type)[0];
  }

  send(frame: unknown): void {
    this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** What comes next of this type, once the frame is sent. */
  async ask(frame: unknown, type: string): Promise<Json> {
    const before = this.ofType(type).length;
    this.send(frame);
    await this.until((client) => client.ofType(type).length > before);
    return this.ofType(type)[before];
  }

  /** All that was sent before this call has been read. */
  async settled(): Promise<void> {
    await this.ask({ type: 'ping' }, 'pong');
  }

  async close(): Promise<void> {
    this.ws.close(1000);
    await this.closed;
  }
}
