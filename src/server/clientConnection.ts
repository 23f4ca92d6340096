import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Clock } from '../resilience/clock.ts';
import { Heartbeat } from './heartbeat.ts';
import { InboundGuard } from './inboundGuard.ts';
import type { ServerLimits } from './serverLimits.ts';

export interface ClientConnectionOptions {
  readonly ws: WebSocket;
  /** What the socket writes to. */
  readonly transport: Duplex;
  readonly clock: Clock;
  readonly limits: ServerLimits;
  /** What the client sent, within its limits. */
  readonly receive: (data: Buffer, isBinary: boolean) => void;
  /** Called with each ping; answers up to where the peer was sent the log by then. */
  readonly beat: () => number;
  /** The client took nothing for too long. */
  readonly tooSlow: () => void;
}

/**
 * A client's WebSocket, whatever is spoken over it: what the client may send, that it is still there, and how much waits
 * for it. Nothing is compressed, so frames that were made before can be written past the socket library, between its own.
 *
 * What would break it: writing a frame in pieces, or after {@link close}.
 */
export class ClientConnection {
  /** Resolves when it is closed, with the code. */
  readonly ended: Promise<number>;
  readonly #options: ClientConnectionOptions;
  readonly #heartbeat: Heartbeat;

  constructor(options: ClientConnectionOptions) {
    this.#options = options;
    const { ws, transport, clock, limits, receive, beat } = options;
    this.#heartbeat = new Heartbeat({ ws, clock, intervalMs: limits.heartbeatMs, beat });
    const guard = new InboundGuard({ clock, limits, close: (code, reason) => this.close(code, reason) });
    ws.on('error', () => {}); // 'close' follows, and says all there is to say
    this.ended = new Promise((resolve) => {
      ws.on('close', (code) => {
        this.#heartbeat.end();
        guard.end();
        resolve(code);
      });
    });
    ws.on('message', (data, isBinary) => {
      if (this.isOpen && guard.allows()) receive(data as Buffer, isBinary);
    });
    ws.on('ping', () => guard.allows());
    ws.on('pong', () => guard.allows());
    transport.on('data', (bytes: Buffer) => {
      this.#heartbeat.heard();
      guard.follow(bytes);
    });
  }

  get isOpen(): boolean {
    const { ws } = this.#options;
    return ws.readyState === ws.OPEN;
  }

  /** More waits for the peer than may. */
  get isBehind(): boolean {
    return this.isOpen && this.#options.ws.bufferedAmount > this.#options.limits.maxWaitingBytes;
  }

  /** Up to where the peer certainly got the log. */
  get confirmed(): number {
    return this.#heartbeat.confirmed;
  }

  begin(confirmed: number): void {
    this.#heartbeat.begin(confirmed);
  }

  send(frame: string): void {
    if (this.isOpen) this.#options.ws.send(frame);
  }

  /** Whether there was room for it. */
  sendIfRoom(frame: string): boolean {
    if (!this.isOpen || this.isBehind) return false;
    this.#options.ws.send(frame);
    return true;
  }

  /** Whole WebSocket frames. */
  write(frames: Uint8Array): void {
    if (this.isOpen) this.#options.transport.write(frames);
  }

  /** What is sent within `action` goes out in one write. */
  inOneWrite(action: () => void): void {
    const { transport } = this.#options;
    transport.cork();
    action();
    transport.uncork();
  }

  /** Resolves when all that waits for the peer is gone, one way or the other. */
  drained(): Promise<void> {
    const { transport, clock, limits, tooSlow } = this.#options;
    const cancel = clock.schedule(limits.drainTimeoutMs, tooSlow, 'background');
    return new Promise((resolve) => {
      // Nothing, written behind everything: it is told when it is through.
      transport.write('', () => {
        cancel();
        resolve();
      });
    });
  }

  /** Tells the peer; nothing more is sent. */
  close(code: number, reason: string): void {
    this.#heartbeat.end();
    this.#options.ws.close(code, reason);
  }

  terminate(): void {
    this.#options.ws.terminate();
  }
}
