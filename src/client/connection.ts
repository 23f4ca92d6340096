import {
  type ClientFrame,
  encodeFrame,
  liveProtocol,
  readServerFrame,
  type ServerFrame,
} from '../protocol/liveFrames.ts';
import type { Clock } from '../resilience/clock.ts';
import type { FullJitter } from '../resilience/fullJitter.ts';
import { ClientError } from './clientError.ts';
import type { WebSocketConstructor, WebSocketLike } from './webSocketLike.ts';

/** How long connecting may take. */
const connectTimeoutMs = 10_000;
/** A connection that held so long was a good one: the next loss is the first again. */
const stableMs = 10_000;
/** How soon a connection must prove itself after the network has changed. */
const probeMs = 5_000;

export interface ConnectionOptions {
  readonly url: string;
  readonly webSocket: WebSocketConstructor;
  readonly clock: Clock;
  readonly backoff: FullJitter;
  /** After so long a silence the server is asked whether it is there; after as long again without a word it is not. */
  readonly heartbeatMs: number;
  readonly opened: () => void;
  readonly received: (frame: ServerFrame) => void;
  /** It was lost, or could not be made. It is tried again. */
  readonly lost: () => void;
  /** What the server said could not be understood, and was passed over. */
  readonly puzzled: (error: ClientError) => void;
}

/**
 * One WebSocket to the server, made again whenever it is lost, until {@link stop}. Frames come in the order in which
 * they were sent; behind `lost` none of the old connection comes any more, however late the socket notices its end.
 * A connection that is only half open, or whose handshake hangs, is found and given up by itself.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  #started = false;
  #socket: WebSocketLike | undefined;
  #isOpen = false;
  #heardAt = 0;
  #asked = false;
  /** Ends waiting for the next try, or for the handshake. */
  #endWait: (() => void) | undefined;
  #endStable: (() => void) | undefined;
  #endHeartbeat: (() => void) | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#connect();
  }

  stop(): void {
    this.#started = false;
    this.#let(1000);
  }

  /** Sends it if there is a connection; a frame that is not sent is of no use on the next one. */
  send(frame: ClientFrame): void {
    if (this.#isOpen) this.#socket?.send(encodeFrame(frame));
  }

  /** The network may have changed: what waits is tried now, a connection or handshake that is there must prove itself. */
  hurry(): void {
    if (!this.#started) return;
    if (this.#socket === undefined) this.#connect();
    else if (!this.#isOpen) this.#giveUpAfter(probeMs);
    else this.#ask(Math.min(probeMs, this.#options.heartbeatMs));
  }

  #connect(): void {
    const { url, webSocket } = this.#options;
    this.#let();
    let socket: WebSocketLike;
    try {
      socket = new webSocket(url, liveProtocol);
    } catch (cause) {
      this.#options.puzzled(new ClientError('server_unreachable', `cannot connect to ${url}`, { cause }));
      this.#lost();
      return;
    }
    this.#socket = socket;
    const isCurrent = () => this.#socket === socket;
    socket.onopen = () => isCurrent() && this.#opened();
    socket.onmessage = (event: { readonly data?: unknown }) => isCurrent() && this.#heard(event.data);
    socket.onclose = () => isCurrent() && this.#lost();
    // A close always follows, in browsers; not so where a handshake hangs.
    socket.onerror = () => {};
    this.#giveUpAfter(connectTimeoutMs);
  }

  #giveUpAfter(waitMs: number): void {
    this.#endWait?.();
    this.#endWait = this.#options.clock.schedule(waitMs, () => this.#lost());
  }

  #opened(): void {
    const { clock, backoff, opened } = this.#options;
    this.#endWait?.();
    this.#isOpen = true;
    this.#heardAt = clock.monotonic();
    this.#asked = false;
    this.#endStable = clock.schedule(stableMs, () => backoff.reset(), 'background');
    this.#watch(this.#options.heartbeatMs);
    opened();
  }

  #heard(data: unknown): void {
    this.#heardAt = this.#options.clock.monotonic();
    this.#asked = false;
    const frame = parsed(data);
    if (!('refused' in frame)) {
      if (frame.type !== 'pong') this.#options.received(frame);
    } else if (frame.refused !== 'unknown_message_type') {
      const message = `the server sent a frame without a right ${frame.field ?? 'form'}`;
      this.#options.puzzled(new ClientError('server_unreachable', message));
    }
  }

  #watch(waitMs: number): void {
    this.#endHeartbeat?.();
    this.#endHeartbeat = this.#options.clock.schedule(waitMs, () => this.#look(), 'background');
  }

  #look(): void {
    const { heartbeatMs, clock } = this.#options;
    const silentMs = clock.monotonic() - this.#heardAt;
    if (this.#asked) this.#lost();
    else if (silentMs < heartbeatMs) this.#watch(heartbeatMs - silentMs);
    else this.#ask(heartbeatMs);
  }

  #ask(patienceMs: number): void {
    this.#asked = true;
    this.send({ type: 'ping' });
    this.#watch(patienceMs);
  }

  #lost(): void {
    this.#let();
    this.#endWait = this.#options.clock.schedule(this.#options.backoff.next(), () => this.#connect());
    this.#options.lost();
  }

  /** Lets the socket go at once: its own closing may take as long as a dead network likes. */
  #let(code?: number): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isOpen = false;
    this.#endWait?.();
    this.#endStable?.();
    this.#endHeartbeat?.();
    if (socket === undefined) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }
}

function parsed(data: unknown): ReturnType<typeof readServerFrame> {
  try {
    return readServerFrame(JSON.parse(data as string));
  } catch {
    return { refused: 'invalid_request' };
  }
}
