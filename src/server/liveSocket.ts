import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Indelible } from '../agents/indelible.ts';
import { decodeCursor } from '../protocol/cursor.ts';
import { type ErrorCode, IndelibleError } from '../protocol/errors.ts';
import {
  type ClientFrame,
  encodeFrame,
  readClientFrame,
  type ServerFrame,
  tooSlowCode,
} from '../protocol/liveFrames.ts';
import { checkId } from '../protocol/message.ts';
import { ClientConnection } from './clientConnection.ts';
import { refusalOf } from './detail.ts';
import { InboundJson } from './inboundJson.ts';
import type { LiveClient } from './liveClient.ts';
import type { LiveFraming } from './liveFraming.ts';
import { LiveSubscription } from './liveSubscription.ts';
import type { Outlet } from './outlet.ts';
import type { ServerLimits } from './serverLimits.ts';

export interface LiveSocketOptions {
  readonly ws: WebSocket;
  /** What the socket writes to. */
  readonly transport: Duplex;
  readonly userId: string;
  readonly indelible: Indelible;
  readonly limits: ServerLimits;
  readonly framing: LiveFraming;
}

type Told = Exclude<ServerFrame, { readonly type: 'message' | 'spooled' }>;

/**
 * A client of `indelible.v1` over a WebSocket: what it asks for, and the plans it watches, each on its own way. Nothing
 * that comes in here reaches the log: messages are written by agents.
 *
 * What would break it: leaving an answer out because the client is behind. It waits for it; one that asks and never
 * reads is let go instead.
 */
export class LiveSocket implements LiveClient {
  readonly userId: string;
  readonly ended: Promise<number>;
  readonly #options: LiveSocketOptions;
  readonly #connection: ClientConnection;
  readonly #outlet: Outlet;
  readonly #json: InboundJson;
  readonly #subscriptions = new Map<string, LiveSubscription>();

  constructor(options: LiveSocketOptions) {
    const { ws, transport, userId, indelible, framing } = options;
    const limits = forManyPlans(options.limits);
    this.#options = options;
    this.userId = userId;
    this.#json = new InboundJson({
      refuse: (code) => this.#refuse(new IndelibleError(code)),
      close: (code, reason) => this.#connection.close(code, reason),
    });
    const connection = new ClientConnection({
      ws,
      transport,
      clock: indelible.clock,
      limits,
      receive: (data, isBinary) => this.#receive(data, isBinary),
      beat: () => 0,
      tooSlow: () => this.#letGo(),
    });
    this.#connection = connection;
    this.#outlet = {
      framing,
      get isOpen() {
        return connection.isOpen;
      },
      get isBehind() {
        return connection.isBehind;
      },
      write: (frames) => connection.write(frames),
      drained: () => connection.drained(),
      fail: () => connection.close(1011, 'the server failed'),
    };
    this.ended = connection.ended.finally(() => {
      for (const subscription of this.#subscriptions.values()) subscription.close();
    });
    connection.begin(0);
  }

  close(): void {
    this.#connection.close(1001, 'the server is going away');
  }

  terminate(): void {
    this.#connection.terminate();
  }

  #letGo(): void {
    if (!this.#connection.isOpen) return;
    this.#options.indelible.observe({ type: 'live_client_let_go', userId: this.userId });
    this.#connection.close(tooSlowCode, 'too slow');
  }

  #receive(data: Buffer, isBinary: boolean): void {
    const parsed = this.#json.parse(data, isBinary);
    if (parsed === undefined) return;
    const frame = readClientFrame(parsed.value);
    if ('refused' in frame) {
      this.#refuse(refused(frame.refused, frame.field), planOf(parsed.value));
      return;
    }
    try {
      this.#answer(frame);
    } catch (error) {
      this.#refuse(error, frame.type === 'subscribe' ? shown(frame.plan_id) : undefined);
    }
  }

  #answer(frame: ClientFrame): void {
    switch (frame.type) {
      case 'subscribe':
        this.#subscribe(checkId(frame.plan_id, 'plan_id'), frame.after);
        break;
      case 'unsubscribe':
        this.#unsubscribe(checkId(frame.plan_id, 'plan_id'));
        break;
      case 'read':
        this.#read(checkId(frame.plan_id, 'plan_id'), frame.sequence);
        break;
      case 'ping':
        this.#connection.sendIfRoom(encodeFrame({ type: 'pong' }));
    }
  }

  #subscribe(planId: string, after: string | undefined): void {
    const { indelible, limits } = this.#options;
    if (this.#subscriptions.has(planId)) return;
    if (this.#subscriptions.size >= limits.subscriptionsPerConnection)
      throw new IndelibleError('too_many_subscriptions');
    // What is no cursor of this plan is refused; of which history of the log it is, is asked when the log is.
    if (after !== undefined) decodeCursor(after, { epoch: '', planId });
    const subscription = new LiveSubscription({ indelible, outlet: this.#outlet, planId, userId: this.userId, after });
    this.#subscriptions.set(planId, subscription);
  }

  #unsubscribe(planId: string): void {
    this.#subscriptions.get(planId)?.close();
    this.#subscriptions.delete(planId);
    this.#tell({ type: 'unsubscribed', plan_id: planId });
  }

  #read(planId: string, sequence: number): void {
    this.#options.indelible.markRead(this.userId, planId, sequence).catch((error: unknown) => this.#refuse(error));
  }

  /** `planId`: the subscription that there is none of. */
  #refuse(error: unknown, planId?: string): void {
    const code = IndelibleError.is(error) ? error.code : 'store_refused';
    const { remedy } = new IndelibleError(code);
    const message = String(refusalOf(error).detail);
    this.#tell({ type: 'error', code, message, remedy, ...(planId !== undefined && { plan_id: planId }) });
  }

  /** An answer, which the client waits for. One that asks and does not read is no client. */
  #tell(frame: Told): void {
    if (this.#connection.isBehind) this.#letGo();
    else this.#connection.send(encodeFrame(frame));
  }
}

/** A client that comes back names all of its plans at once. */
function forManyPlans(limits: ServerLimits): ServerLimits {
  return { ...limits, inboundBurst: limits.inboundBurst + limits.subscriptionsPerConnection };
}

function refused(code: ErrorCode, field: string | undefined): IndelibleError {
  if (field === undefined) return new IndelibleError(code);
  const message = code === 'unknown_message_type' ? `there are no frames of this ${field}` : `${field} is not valid`;
  return new IndelibleError(code, { message, field });
}

/** The plan of a `subscribe` that cannot be read otherwise. */
function planOf(frame: unknown): string | undefined {
  const { type, plan_id: planId } = (frame ?? {}) as { readonly type?: unknown; readonly plan_id?: unknown };
  return type === 'subscribe' && typeof planId === 'string' ? shown(planId) : undefined;
}

/** An id as it can be sent back. */
function shown(planId: string): string | undefined {
  return planId.length <= 256 ? planId : undefined;
}
