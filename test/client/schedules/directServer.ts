import type { WebSocketLike } from '../../../src/client/webSocketLike.ts';
import { Feed } from '../../../src/feed/feed.ts';
import { encodeFrame, readClientFrame } from '../../../src/protocol/liveFrames.ts';
import { LiveFraming } from '../../../src/server/liveFraming.ts';
import { LiveSubscription } from '../../../src/server/liveSubscription.ts';
import type { MessageLog } from '../../../src/store/messageLog.ts';
import { ManualClock } from '../../../src/testing/manualClock.ts';
import type { ChangingLog } from './changingLog.ts';

/** So many frames may wait for a client before it is behind. */
const maxWaiting = 6;
/** Real framing, but for the bytes: no JSON holds a line break. */
const framing = new LiveFraming((text) => Buffer.from(`${text}\n`));

/**
 * The feed and the subscriptions of the real server, without sockets: what it writes lies in a network that delivers it,
 * frame by frame, when the test says so, or loses it.
 */
export class DirectServer {
  readonly clock = new ManualClock();
  readonly log: ChangingLog;
  readonly WebSocket: new (
    url: string,
  ) => WebSocketLike;
  feed: Feed;
  /** Those that are open or opening. */
  readonly sockets = new Set<DirectSocket>();

  constructor(log: ChangingLog) {
    this.log = log;
    this.feed = this.#newFeed();
    const server = this;
    this.WebSocket = class extends DirectSocket {
      constructor(_url: string) {
        super(server);
        server.sockets.add(this);
      }
    };
  }

  /** Up to so many frames arrive. */
  deliver(count: number): void {
    for (const socket of [...this.sockets]) socket.deliver(count);
  }

  /** The network breaks; a client that is not `told` has to find out. */
  cut(isTold: boolean): void {
    for (const socket of [...this.sockets]) socket.cut(isTold);
  }

  restart(): void {
    this.cut(true);
    this.feed.close();
    this.feed = this.#newFeed();
  }

  #newFeed(): Feed {
    return new Feed({ log: this.log as unknown as MessageLog, clock: this.clock });
  }
}

class DirectSocket implements WebSocketLike {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  readonly #server: DirectServer;
  readonly #subscriptions = new Map<string, LiveSubscription>();
  readonly #waiting: string[] = [];
  readonly #drained: (() => void)[] = [];
  #isOpen = false;

  constructor(server: DirectServer) {
    this.#server = server;
  }

  send(text: string): void {
    const frame = readClientFrame(JSON.parse(text));
    if (!this.#isOpen || 'refused' in frame) return;
    if (frame.type === 'subscribe') this.#subscribe(frame.plan_id, frame.after);
    else if (frame.type === 'unsubscribe') this.#unsubscribe(frame.plan_id);
    else if (frame.type === 'ping') this.#waiting.push(encodeFrame({ type: 'pong' }));
  }

  close(): void {
    this.cut(false);
  }

  deliver(count: number): void {
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.onopen?.({} as never);
    }
    for (const data of this.#waiting.splice(0, count)) this.onmessage?.({ data } as never);
    if (this.#waiting.length === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }

  cut(isTold: boolean): void {
    this.#isOpen = false;
    this.#waiting.length = 0;
    this.#server.sockets.delete(this);
    for (const subscription of this.#subscriptions.values()) subscription.close();
    for (const resolve of this.#drained.splice(0)) resolve();
    if (isTold) this.onclose?.({} as never);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  #subscribe(planId: string, after: string | undefined): void {
    if (this.#subscriptions.has(planId)) return;
    const isOpen = () => this.#isOpen;
    const isBehind = () => this.#waiting.length > maxWaiting;
    const subscription = new LiveSubscription({
      indelible: { feed: this.#server.feed, store: {} as never },
      planId,
      userId: 'user',
      after,
      outlet: {
        framing,
        get isOpen() {
          return isOpen();
        },
        get isBehind() {
          return isBehind();
        },
        write: (bytes) => {
          if (this.#isOpen) this.#waiting.push(...Buffer.from(bytes).toString().split('\n').slice(0, -1));
        },
        drained: () =>
          this.#waiting.length === 0 ? Promise.resolve() : new Promise((resolve) => this.#drained.push(resolve)),
        fail: () => this.cut(true),
      },
    });
    this.#subscriptions.set(planId, subscription);
  }

  #unsubscribe(planId: string): void {
    this.#subscriptions.get(planId)?.close();
    this.#subscriptions.delete(planId);
    this.#waiting.push(encodeFrame({ type: 'unsubscribed', plan_id: planId }));
  }
}
