import type { BackoffOptions } from '../resilience/backoff.ts';
import { type Clock, systemClock } from '../resilience/clock.ts';
import { FullJitter } from '../resilience/fullJitter.ts';
import { ClientError } from './clientError.ts';
import { Connection } from './connection.ts';
import type { PlanStorage } from './keptPlan.ts';
import { listenToPage, type PageEvents } from './pageEvents.ts';
import { type Fetch, PlanList } from './planList.ts';
import { type PlanSnapshot, unwatched } from './planSnapshot.ts';
import { PlanWatch } from './planWatch.ts';
import { Subscriptions } from './subscriptions.ts';
import { WatchedPlan } from './watchedPlan.ts';
import type { WebSocketConstructor } from './webSocketLike.ts';

/** A plan that nobody watches any more is kept so long: pages that are left and entered again need no new catch-up. */
const lingerMs = 1_000;
const defaultBackoff: BackoffOptions = { initialDelayMs: 250, maxDelayMs: 15_000 };
const defaultHeartbeatMs = 15_000;

export interface ClientOptions {
  /** Of the server: `https://agents.example.com`. In a page, default is where the page came from. */
  readonly url?: string;
  /** Who watches; the server keeps read positions by it. Default nobody. */
  readonly userId?: string;
  /**
   * Where plans are kept over a reload of the page: `sessionStorage`, `localStorage`, or anything of that form. One text
   * for each plan, with all its messages. Default: in memory only.
   */
  readonly storage?: PlanStorage;
  /** Default the global one (browsers, Node 22 and newer). */
  readonly webSocket?: WebSocketConstructor;
  /** For lists of plans. Default the global one. */
  readonly fetch?: Fetch;
  /** Between tries to connect, in ms: drawn from 0 up to a bound that begins and ends there. Default 250 and 15,000. */
  readonly backoff?: Partial<BackoffOptions>;
  /** After so much silence the server is pinged, and given up after as much again. Default 15,000 ms. */
  readonly heartbeatMs?: number;
  /**
   * Told of what no plan's `error` says: a listener that throws, a storage that fails, a frame that cannot be understood.
   * The client goes on. Default: the page's `reportError`, if there is one.
   */
  readonly onError?: (error: unknown) => void;
  readonly clock?: Clock;
  /** Draws from 0 up to 1. */
  readonly random?: () => number;
  /** Default the global object. */
  readonly page?: PageEvents;
}

/**
 * Watches plans over one socket, which is there while any plan is watched. Whatever becomes of the socket, the server or
 * its database, each plan's messages are given in order, each once, without a gap that is not told.
 *
 *     const client = createClient({ url: 'http://127.0.0.1:4000' });
 *
 * @throws ClientError `invalid_config`: a url that is none, or no WebSocket there
 */
export function createClient(options: ClientOptions = {}): Client {
  return new Client(options);
}

/** See {@link createClient}. */
export class Client {
  readonly #options: ClientOptions;
  readonly #clock: Clock;
  readonly #base: URL;
  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;
  readonly #plans = new Map<string, Watched>();
  readonly #lists = new Set<PlanList>();
  readonly #endPage: () => void;
  #closed = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#base = baseUrl(options.url);
    const webSocket = options.webSocket ?? (globalThis.WebSocket as WebSocketConstructor | undefined);
    if (webSocket === undefined) {
      throw new ClientError('invalid_config', 'there is no global WebSocket here: pass one', { field: 'webSocket' });
    }
    this.#connection = new Connection({
      url: this.#socketUrl(),
      webSocket,
      clock: this.#clock,
      backoff: this.#backoff(),
      heartbeatMs: options.heartbeatMs ?? defaultHeartbeatMs,
      opened: () => this.#opened(),
      received: (frame) => {
        const planId = this.#subscriptions.planOf(frame);
        if (planId !== undefined && 'plan_id' in frame) this.#plans.get(planId)?.watch.received(frame);
        else if (frame.type === 'error' && frame.plan_id === undefined) {
          this.#failed(new ClientError(frame.code, frame.message, { remedy: frame.remedy }));
        }
      },
      lost: () => this.#lost(),
      puzzled: this.#failed,
    });
    this.#subscriptions = new Subscriptions(this.#connection);
    this.#endPage = listenToPage(options.page ?? (globalThis as PageEvents), {
      back: () => this.#connection.hurry(),
      left: () => this.#flush(),
    });
  }

  /** Watches a plan, which need not exist yet, until the answer is closed. */
  plan(planId: string): WatchedPlan {
    this.#refuseIfClosed();
    const entry = this.#plans.get(planId) ?? this.#watch(planId);
    entry.endLinger?.();
    entry.users++;
    return new WatchedPlan(planId, entry.watch, () => {
      entry.users--;
      if (entry.users === 0) entry.endLinger = this.#clock.schedule(lingerMs, () => this.#forget(planId));
    });
  }

  /** What is known of a plan at this moment, without watching it: nothing, unless somebody does. */
  snapshot(planId: string): PlanSnapshot {
    return this.#plans.get(planId)?.watch.snapshot ?? unwatched;
  }

  /**
   * A list of plans with their unread counts, kept up to date until it is closed: these, or without ids the newest of
   * the server. It brings no messages.
   */
  plans(planIds?: readonly string[]): PlanList {
    this.#refuseIfClosed();
    const list: PlanList = new PlanList({
      url: new URL('api/v1/plans', this.#base),
      planIds,
      userId: this.#options.userId,
      fetch: this.#options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
      clock: this.#clock,
      watched: (planId) => this.#plans.get(planId)?.watch.snapshot,
      failed: this.#failed,
      closed: () => this.#lists.delete(list),
    });
    this.#lists.add(list);
    return list;
  }

  /** Ends everything that was begun with this client, at once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#endPage();
    for (const list of [...this.#lists]) list.close();
    for (const planId of [...this.#plans.keys()]) this.#forget(planId);
    this.#connection.stop();
  }

  #watch(planId: string): Watched {
    const { storage, userId = '' } = this.#options;
    const key = `indelible ${JSON.stringify([this.#base.href, userId, planId])}`;
    const watch = new PlanWatch({
      planId,
      subscriptions: this.#subscriptions,
      clock: this.#clock,
      backoff: this.#backoff(),
      kept: storage && { storage, key },
      changed: () => {
        for (const list of this.#lists) list.follow(planId);
      },
      failed: this.#failed,
    });
    const entry: Watched = { watch, users: 0 };
    this.#plans.set(planId, entry);
    if (this.#connection.isOpen) watch.connected();
    else this.#connection.start();
    return entry;
  }

  #forget(planId: string): void {
    const entry = this.#plans.get(planId);
    if (entry === undefined || (entry.users > 0 && !this.#closed)) return;
    entry.endLinger?.();
    this.#plans.delete(planId);
    entry.watch.close();
    if (this.#plans.size === 0) this.#connection.stop();
  }

  #opened(): void {
    this.#subscriptions.forget();
    for (const { watch } of [...this.#plans.values()]) watch.connected();
    for (const list of this.#lists) void list.refresh();
  }

  #lost(): void {
    for (const { watch } of [...this.#plans.values()]) watch.disconnected();
  }

  #flush(): void {
    for (const { watch } of this.#plans.values()) watch.flush();
  }

  #socketUrl(): string {
    const url = new URL('api/v1/socket', this.#base);
    url.protocol = url.protocol.replace('http', 'ws');
    if (this.#options.userId !== undefined) url.searchParams.set('user_id', this.#options.userId);
    return url.href;
  }

  #backoff(): FullJitter {
    return new FullJitter({ ...defaultBackoff, ...this.#options.backoff }, this.#options.random ?? Math.random);
  }

  #refuseIfClosed(): void {
    if (this.#closed) throw new ClientError('service_closed', 'the client was closed');
  }

  readonly #failed = (error: unknown): void => {
    const report = this.#options.onError ?? (globalThis as { reportError?: (error: unknown) => void }).reportError;
    report?.(error);
  };
}

interface Watched {
  readonly watch: PlanWatch;
  users: number;
  endLinger?: () => void;
}

/** With a slash at its end, so that paths are put behind it. */
function baseUrl(given: string | undefined): URL {
  const page = (globalThis as { location?: { readonly href: string } }).location?.href;
  const url = URL.canParse(given ?? '/', page) ? new URL(given ?? '/', page) : undefined;
  if (url === undefined || !/^(http|ws)s?:$/.test(url.protocol)) {
    throw new ClientError('invalid_config', `${given ?? 'the url'} is no address of a server`, { field: 'url' });
  }
  url.protocol = url.protocol.replace('ws', 'http');
  url.search = url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
