import type { PlanStatus } from '../protocol/plan.ts';
import type { Clock } from '../resilience/clock.ts';
import { ChangeNotice } from './changeNotice.ts';
import { ClientError } from './clientError.ts';
import type { PlanSnapshot } from './planSnapshot.ts';

/** What is known of a plan without its messages. */
export interface PlanSummary {
  readonly planId: string;
  readonly description: string;
  readonly status: PlanStatus;
  /** ISO 8601, UTC, `Z`. */
  readonly createdAt: string;
  readonly messageCount: number;
  /** Up to which sequence this user has read. */
  readonly read: number;
  readonly unread: number;
}

/** A list as it is known at one moment. Never changed; while nothing changes, the same object. */
export interface PlanListSnapshot {
  readonly plans: readonly PlanSummary[];
  /** `loading` until there was a first answer; `offline` while the server does not answer. */
  readonly state: 'loading' | 'ready' | 'offline';
  readonly error: ClientError | undefined;
}

/** Of a list that nobody has asked for. */
export const unloaded: PlanListSnapshot = { plans: [], state: 'loading', error: undefined };

/** What is needed of `fetch`. */
export type Fetch = (
  url: string,
  init: { readonly headers: Record<string, string> },
) => Promise<{ readonly ok: boolean; readonly status: number; json(): Promise<unknown> }>;

export interface PlanListOptions {
  readonly url: URL;
  readonly planIds: readonly string[] | undefined;
  readonly userId: string | undefined;
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** What is known of a plan that is being watched. */
  readonly watched: (planId: string) => PlanSnapshot | undefined;
  readonly failed: (error: unknown) => void;
  readonly closed: () => void;
}

const refreshMs = 10_000;
/** What a server takes in one call: so many ids, and 16 KiB of headers. */
const maxIds = 100;
const maxQueryLength = 8_000;

/**
 * A list of plans with their unread counts, asked for again every {@link refreshMs} and on each new connection. Of plans
 * that this client watches it knows at once what is new and what was read.
 */
export class PlanList {
  readonly #options: PlanListOptions;
  readonly #notice: ChangeNotice;
  #shown = unloaded;
  #asking: Promise<void> | undefined;
  #endWait: (() => void) | undefined;
  #closed = false;

  /** Made by `client.plans()`. */
  constructor(options: PlanListOptions) {
    this.#options = options;
    this.#notice = new ChangeNotice(options.clock, options.failed);
    void this.refresh();
  }

  get snapshot(): PlanListSnapshot {
    return this.#shown;
  }

  get plans(): readonly PlanSummary[] {
    return this.#shown.plans;
  }

  get state(): PlanListSnapshot['state'] {
    return this.#shown.state;
  }

  get error(): ClientError | undefined {
    return this.#shown.error;
  }

  /** Calls `listener` when the snapshot has changed. The answer ends it. */
  subscribe(listener: () => void): () => void {
    return this.#notice.subscribe(listener);
  }

  /** Asks now. Resolves when that was answered, or was in vain: then `error` says why. */
  refresh(): Promise<void> {
    this.#asking ??= this.#refresh();
    return this.#asking;
  }

  /** A plan that is being watched has changed. */
  follow(planId: string): void {
    if (!this.#shown.plans.some((plan) => plan.planId === planId)) return;
    const plans = this.#shown.plans.map((plan) => (plan.planId === planId ? this.#asWatched(plan) : plan));
    if (plans.some((plan, index) => plan !== this.#shown.plans[index])) this.#show({ ...this.#shown, plans });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#endWait?.();
    this.#options.closed();
  }

  async #refresh(): Promise<void> {
    this.#endWait?.();
    try {
      const answers = await Promise.all(this.#urls().map((url) => this.#ask(url)));
      const plans = answers.flat().map((plan) => this.#asWatched(plan));
      this.#show({ plans, state: 'ready', error: undefined });
    } catch (cause) {
      const message = 'the list of plans cannot be had';
      const error = cause instanceof ClientError ? cause : new ClientError('server_unreachable', message, { cause });
      this.#show({ ...this.#shown, state: 'offline', error });
    }
    this.#asking = undefined;
    if (this.#closed) return;
    this.#endWait = this.#options.clock.schedule(refreshMs, () => void this.refresh(), 'background');
  }

  async #ask(url: string): Promise<readonly PlanSummary[]> {
    const { fetch, userId } = this.#options;
    const headers: Record<string, string> = userId === undefined ? {} : { 'x-ms-client-principal-id': userId };
    const answer = await fetch(url, { headers });
    const body = await answer.json();
    if (answer.ok) return (body as readonly WirePlan[]).map(planSummary);
    const { detail } = body as { readonly detail?: unknown };
    throw new ClientError('server_unreachable', `the list of plans was refused: ${detail ?? answer.status}`);
  }

  /** As few as hold all ids. */
  #urls(): string[] {
    const { url, planIds } = this.#options;
    if (planIds === undefined) return [url.href];
    const queries: string[][] = [];
    let length = 0;
    for (const planId of new Set(planIds)) {
      const parameter = `plan_id=${encodeURIComponent(planId)}`;
      length += parameter.length + 1;
      const last = queries.at(-1);
      if (last !== undefined && last.length < maxIds && length <= maxQueryLength) last.push(parameter);
      else {
        queries.push([parameter]);
        length = parameter.length;
      }
    }
    return queries.map((query) => `${url.href}?${query.join('&')}`);
  }

  #asWatched(plan: PlanSummary): PlanSummary {
    const watched = this.#options.watched(plan.planId);
    if (watched?.state !== 'live') return plan;
    const { read, unread } = watched;
    const messageCount = watched.messages.filter(({ stored }) => stored).length;
    const isSame = read === plan.read && unread === plan.unread && messageCount === plan.messageCount;
    return isSame ? plan : { ...plan, read, unread, messageCount };
  }

  #show(shown: PlanListSnapshot): void {
    this.#shown = shown;
    if (!this.#closed) this.#notice.changed();
  }
}

interface WirePlan {
  readonly plan_id: string;
  readonly description: string;
  readonly status: PlanStatus;
  readonly created_at: string;
  readonly message_count: number;
  readonly read: number;
  readonly unread: number;
}

function planSummary(plan: WirePlan): PlanSummary {
  return {
    planId: plan.plan_id,
    description: plan.description,
    status: plan.status,
    createdAt: plan.created_at,
    messageCount: plan.message_count,
    read: plan.read,
    unread: plan.unread,
  };
}
