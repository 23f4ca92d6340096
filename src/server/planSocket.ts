import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Indelible } from '../agents/indelible.ts';
import type { Subscription } from '../feed/subscription.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { LiveEvent } from '../protocol/liveEvent.ts';
import type { StoredMessage } from '../protocol/message.ts';
import { v3LiveFrame, v3MessageFrame } from '../protocol/v3Frames.ts';
import type { LogPosition } from '../store/messageLog.ts';
import { ClientFrames } from './clientFrames.ts';
import { Heartbeat } from './heartbeat.ts';
import { InboundGuard } from './inboundGuard.ts';
import { pingFrame, type SocketPeer } from './serverFrames.ts';
import type { ServerLimits } from './serverLimits.ts';

export interface PlanSocketOptions {
  readonly ws: WebSocket;
  /** What the socket writes to. */
  readonly transport: Duplex;
  readonly peer: SocketPeer;
  readonly indelible: Indelible;
  readonly limits: ServerLimits;
  readonly connectionCount: () => number;
}

/**
 * One client watching one plan. It is sent the log from its start on, in order, once, and in between what is only live.
 *
 * What is owed is written in one go. While more than `maxWaitingBytes` wait for the peer it is given nothing, and reads
 * on from the log when they are gone: a slow peer costs that much memory and misses no message. Live events it does miss.
 *
 * What would break it: sending messages past {@link #give}, where their order and what is left of the budget are known.
 */
export class PlanSocket {
  readonly peer: SocketPeer;
  /** Resolves when it is closed, with the code. */
  readonly ended: Promise<number>;
  readonly #options: PlanSocketOptions;
  readonly #heartbeat: Heartbeat;
  #subscription: Subscription | undefined;
  #sent = 0;

  constructor(options: PlanSocketOptions) {
    this.#options = options;
    this.peer = options.peer;
    const { ws, transport, indelible, limits, connectionCount } = options;
    const { clock } = indelible;
    const close = (code: number, reason: string) => this.close(code, reason);
    const frames = new ClientFrames({
      peer: this.peer,
      timestamp: () => this.#timestamp(),
      connectionCount,
      reply: (frame) => this.#sendIfRoom(frame),
      close,
    });
    this.#heartbeat = new Heartbeat({ ws, clock, intervalMs: limits.heartbeatMs, beat: () => this.#beat() });
    const guard = new InboundGuard({ clock, limits, close });
    ws.on('error', () => {}); // 'close' follows, and says all there is to say
    this.ended = new Promise((resolve) => {
      ws.on('close', (code) => {
        this.#heartbeat.end();
        guard.end();
        this.#subscription?.close();
        resolve(code);
      });
    });
    ws.on('message', (data, isBinary) => {
      if (ws.readyState === ws.OPEN && guard.allows()) frames.receive(data as Buffer, isBinary);
    });
    ws.on('ping', () => guard.allows());
    ws.on('pong', () => guard.allows());
    transport.on('data', (bytes: Buffer) => {
      this.#heartbeat.heard();
      guard.follow(bytes);
    });
  }

  /** Up to where this socket was sent the log. Messages before its start count as sent: they were not owed. */
  get sent(): number {
    return this.#sent;
  }

  /**
   * Up to where the peer certainly got it: all that was sent if it said goodbye, else what it had when it last answered
   * a ping.
   */
  seen(closeCode: number): number {
    return closeCode === 1006 ? this.#heartbeat.confirmed : this.#sent;
  }

  /** `first` is the first frame; then the log behind `after`; then what the run's progress is now; then live. */
  begin(first: string, after: LogPosition): void {
    const { feed } = this.#options.indelible;
    this.#sent = after.sequence;
    this.#heartbeat.begin(after.sequence);
    this.#options.ws.send(first);
    const progress = feed.progress(this.peer.planId);
    this.#subscription = feed.subscribe(this.peer.planId, after, {
      messages: (messages) => this.#give(messages),
      live: (event) => this.#show(event),
      caughtUp: () => void (progress && this.#show(progress)),
      dropped: (reason) => this.#dropped(reason),
    });
  }

  /** Makes sure of a message that was committed: a socket that is live has been sent it when this returns. */
  offer(message: StoredMessage): void {
    const { planId, sequence } = message;
    const revision = this.#subscription?.position.revision ?? 0;
    this.#subscription?.offer({ planId, head: { sequence, revision }, messages: [message], updates: [] });
  }

  /** Tells the peer; nothing more is sent. */
  close(code: number, reason: string): void {
    this.#subscription?.close();
    this.#heartbeat.end();
    this.#options.ws.close(code, reason);
  }

  terminate(): void {
    this.#options.ws.terminate();
  }

  /** Clients of this protocol know no other log behind the same plan: they come again, and are shown it from there. */
  #dropped(reason: unknown): void {
    if (IndelibleError.is(reason, 'log_replaced')) this.close(1012, 'the log was replaced');
    else this.terminate();
  }

  #give(messages: readonly StoredMessage[]): Promise<void> | undefined {
    const next = this.#sendSome(messages, 0);
    return next < messages.length || this.#isBehind ? this.#giveRest(messages, next) : undefined;
  }

  async #giveRest(messages: readonly StoredMessage[], from: number): Promise<void> {
    let next = from;
    while (next < messages.length || this.#isBehind) {
      if (this.#isBehind) await this.#drained();
      next = this.#sendSome(messages, next);
    }
  }

  /** Sends messages until the budget is used up, in one write; answers where to go on. To a closed socket all is sent. */
  #sendSome(messages: readonly StoredMessage[], from: number): number {
    const { ws, transport } = this.#options;
    if (ws.readyState !== ws.OPEN) return messages.length;
    let next = from;
    transport.cork();
    for (let message = messages[next]; message !== undefined && !this.#isBehind; message = messages[next]) {
      ws.send(v3MessageFrame(message));
      this.#sent = message.sequence;
      next++;
    }
    transport.uncork();
    return next;
  }

  get #isBehind(): boolean {
    const { ws, limits } = this.#options;
    return ws.readyState === ws.OPEN && ws.bufferedAmount > limits.maxWaitingBytes;
  }

  /** Resolves when all that waits for the peer is gone, one way or the other; a peer that takes too long is cut off. */
  #drained(): Promise<void> {
    const { ws, transport, indelible, limits } = this.#options;
    const cancel = indelible.clock.schedule(limits.drainTimeoutMs, () => ws.terminate(), 'background');
    return new Promise((resolve) => {
      // Nothing, written behind everything: it is told when it is through.
      transport.write('', () => {
        cancel();
        resolve();
      });
    });
  }

  #show(event: LiveEvent): void {
    if (event.type !== 'read_position') this.#sendIfRoom(v3LiveFrame(event));
  }

  #beat(): number {
    this.#sendIfRoom(pingFrame(this.peer, this.#timestamp()));
    return this.#sent;
  }

  #sendIfRoom(frame: string): void {
    const { ws } = this.#options;
    if (ws.readyState === ws.OPEN && !this.#isBehind) ws.send(frame);
  }

  #timestamp(): string {
    return new Date(this.#options.indelible.clock.now()).toISOString();
  }
}
