import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Indelible } from '../agents/indelible.ts';
import type { Subscription } from '../feed/subscription.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { LiveEvent } from '../protocol/liveEvent.ts';
import type { StoredMessage } from '../protocol/message.ts';
import { isShownSpooled, v3LiveFrame, v3MessageFrame } from '../protocol/v3Frames.ts';
import type { LogPosition } from '../store/messageLog.ts';
import { ClientConnection } from './clientConnection.ts';
import { ClientFrames } from './clientFrames.ts';
import type { PersonAnswers } from './personAnswers.ts';
import { RecentIds } from './recentIds.ts';
import { pingFrame, type SocketPeer } from './serverFrames.ts';
import type { ServerLimits } from './serverLimits.ts';

/** Remembered of those; more are spooled only in a long outage, and are then shown twice. */
const maxShownEarly = 10_000;

export interface PlanSocketOptions {
  readonly ws: WebSocket;
  /** What the socket writes to. */
  readonly transport: Duplex;
  readonly peer: SocketPeer;
  readonly indelible: Indelible;
  readonly people: PersonAnswers;
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
  readonly #connection: ClientConnection;
  /** Messages that the peer was shown before they were stored. */
  readonly #shownEarly = new RecentIds(maxShownEarly);
  #subscription: Subscription | undefined;
  #sent = 0;

  constructor(options: PlanSocketOptions) {
    this.#options = options;
    this.peer = options.peer;
    const { ws, transport, indelible, people, limits, connectionCount } = options;
    const frames = new ClientFrames({
      peer: this.peer,
      people,
      timestamp: () => this.#timestamp(),
      connectionCount,
      reply: (frame) => void this.#connection.sendIfRoom(frame),
      close: (code, reason) => this.close(code, reason),
      failed: (error) =>
        indelible.observe({ type: 'request_failed', method: 'WS', path: socketPath(this.peer), error }),
    });
    this.#connection = new ClientConnection({
      ws,
      transport,
      clock: indelible.clock,
      limits,
      receive: (data, isBinary) => frames.receive(data, isBinary),
      beat: () => this.#beat(),
      tooSlow: () => this.terminate(),
    });
    this.ended = this.#connection.ended.finally(() => this.#subscription?.close());
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
    return closeCode === 1006 ? this.#connection.confirmed : this.#sent;
  }

  /** `first` is the first frame; then the log behind `after`; then what the run's progress is now; then live. */
  begin(first: string, after: LogPosition): void {
    const { feed } = this.#options.indelible;
    this.#sent = after.sequence;
    this.#connection.begin(after.sequence);
    this.#connection.send(first);
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
    this.#connection.close(code, reason);
  }

  terminate(): void {
    this.#connection.terminate();
  }

  /** Clients of this protocol know no other log behind the same plan: they come again, and are shown it from there. */
  #dropped(reason: unknown): void {
    if (IndelibleError.is(reason, 'log_replaced')) this.close(1012, 'the log was replaced');
    else this.terminate();
  }

  #give(messages: readonly StoredMessage[]): Promise<void> | undefined {
    // A peer that is on its way out takes nothing more; to read on for it would be to read all of the log.
    if (!this.#connection.isOpen) {
      this.#subscription?.close();
      return undefined;
    }
    const next = this.#sendSome(messages, 0);
    return next < messages.length || this.#connection.isBehind ? this.#giveRest(messages, next) : undefined;
  }

  async #giveRest(messages: readonly StoredMessage[], from: number): Promise<void> {
    let next = from;
    while (next < messages.length || this.#connection.isBehind) {
      if (this.#connection.isBehind) await this.#connection.drained();
      next = this.#sendSome(messages, next);
    }
  }

  /** Sends messages until the budget is used up, in one write; answers where to go on. To a closed socket all is sent. */
  #sendSome(messages: readonly StoredMessage[], from: number): number {
    const connection = this.#connection;
    if (!connection.isOpen) return messages.length;
    let next = from;
    connection.inOneWrite(() => {
      for (let message = messages[next]; message !== undefined && !connection.isBehind; message = messages[next]) {
        if (!this.#shownEarly.has(message.messageId)) connection.send(v3MessageFrame(message));
        this.#sent = message.sequence;
        next++;
      }
    });
    return next;
  }

  #show(event: LiveEvent): void {
    if (event.type === 'read_position') return;
    if (event.type === 'message_spooled' && !isShownSpooled(event.message)) return;
    const shown = this.#connection.sendIfRoom(v3LiveFrame(event));
    if (shown && event.type === 'message_spooled') this.#shownEarly.add(event.message.messageId);
  }

  #beat(): number {
    this.#connection.sendIfRoom(pingFrame(this.peer, this.#timestamp()));
    return this.#sent;
  }

  #timestamp(): string {
    return new Date(this.#options.indelible.clock.now()).toISOString();
  }
}

/** As it was asked for, without what says who asked. */
function socketPath({ planId }: SocketPeer): string {
  return `/api/v3/socket/${encodeURIComponent(planId)}`;
}
