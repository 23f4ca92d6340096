import type { Observer } from '../observe/events.ts';
import type { Draft } from '../protocol/draft.ts';
import type { LiveEvent } from '../protocol/liveEvent.ts';
import { type Clock, systemClock } from '../resilience/clock.ts';
import {
  type CommitListener,
  type LogPosition,
  logStart,
  type MessageLog,
  type PlanCommit,
} from '../store/messageLog.ts';
import { draftPiece } from './draftPiece.ts';
import { Flights } from './flights.ts';
import { LatestProgress } from './latestProgress.ts';
import { LogPages } from './logPages.ts';
import { OpenDrafts } from './openDrafts.ts';
import { type Records, RemoteRecords } from './remoteRecords.ts';
import { type LogExtent, type StartAt, Subscription } from './subscription.ts';
import type { Watcher } from './watcher.ts';

/** How long a watcher may be behind if every hint is lost, in ms. */
const lookAnywayMs = 1_500;
/** What is kept of the log in memory, for readers who come back together. */
const maxKeptBytes = 64 * 1024 * 1024;

export interface FeedOptions {
  readonly log: MessageLog;
  /** Drafts and read positions, to show those of other processes too. */
  readonly records?: Records;
  readonly clock?: Clock;
  readonly observe?: Observer;
}

/**
 * The log, read live. A watcher is given every message of its plan behind its position, in order, once; first what is
 * there already, then what comes. Hints of the store say where to look; every {@link lookAnywayMs} it is looked anyway.
 *
 * It also passes on what is only live (tokens, progress). That never touches the log and never moves a position.
 */
export class Feed {
  readonly #log: MessageLog;
  readonly #clock: Clock;
  readonly #observe: Observer;
  readonly #plans = new Map<string, Set<Subscription>>();
  readonly #latestProgress = new LatestProgress();
  readonly #openDrafts = new OpenDrafts();
  readonly #records: Records | undefined;
  readonly #remote: RemoteRecords | undefined;
  readonly #pages: LogPages;
  readonly #extents: Flights<LogExtent>;
  #unwatch: (() => void) | undefined;
  #endLooking: (() => void) | undefined;

  constructor({ log, records, clock = systemClock, observe = () => {} }: FeedOptions) {
    this.#log = log;
    this.#clock = clock;
    this.#observe = observe;
    this.#pages = new LogPages({ log, clock, maxBytes: maxKeptBytes });
    this.#extents = new Flights(clock);
    this.#records = records;
    const publish = (event: LiveEvent) => this.publish(event);
    this.#remote = records && new RemoteRecords({ records, log, clock, open: this.#openDrafts, publish });
  }

  /**
   * Watches a plan from behind `after`, a place in the log as it is now: a cursor must have been decoded in this very
   * turn. Or `after` says where to begin when it is told how far the log goes. The plan need not exist yet.
   */
  subscribe(planId: string, after: LogPosition | StartAt, watcher: Watcher): Subscription {
    this.#start();
    const subscription = new Subscription({
      planId,
      after,
      watcher,
      pages: this.#pages,
      extent: (plan) => this.extent(plan),
      epoch: this.#log.epoch,
      clock: this.#clock,
      ended: (ended, reason) => this.#ended(ended, reason),
    });
    const subscriptions = this.#plans.get(planId);
    if (subscriptions) subscriptions.add(subscription);
    else this.#plans.set(planId, new Set([subscription]));
    this.#remote?.watch(planId);
    return subscription;
  }

  /** Tells those who watch the plan now. Never throws. */
  publish(event: LiveEvent): void {
    if (this.#remote?.isNews(event) === false) return;
    this.#latestProgress.follow(event);
    const piece = draftPiece(event, this.#openDrafts);
    this.#openDrafts.follow(event);
    for (const subscription of this.#plans.get(event.planId) ?? []) subscription.tell(event, piece);
  }

  /**
   * How far the plan's log goes, as the database said after this was asked. Who asks at the same time shares a query.
   *
   * @throws IndelibleError `store_unavailable`
   */
  extent(planId: string): Promise<LogExtent> {
    return this.#extents.ask(planId, async () => {
      const heads = await this.#log.heads([planId]);
      return { head: heads.get(planId) ?? logStart, epoch: this.#log.epoch };
    });
  }

  /**
   * The answers that are being written in a plan, in whichever process, oldest first; none whose message is in the log, and
   * none that this process knows to have ended.
   * Never rejects: while the database is away, those of this process.
   */
  async drafts(planId: string): Promise<readonly Draft[]> {
    const draftsOf = this.#records?.drafts;
    try {
      await this.#remote?.ready(planId);
      const asked = this.#openDrafts.of(planId);
      const [stored = [], ...messages] = await Promise.all([
        draftsOf?.ofPlans([planId]),
        ...asked.map(({ draftId }) => this.#log.find(planId, draftId)),
      ]);
      const finished = new Set(messages.map((message) => message?.messageId));
      const open = stored.filter(({ draftId }) => !this.#openDrafts.hasEnded(planId, draftId));
      const drafts = new Map(open.map((draft) => [draft.draftId, draft]));
      for (const draft of this.#openDrafts.of(planId)) {
        const other = drafts.get(draft.draftId);
        if (!finished.has(draft.draftId) && draft.text.length >= (other?.text.length ?? 0))
          drafts.set(draft.draftId, draft);
      }
      return [...drafts.values()];
    } catch {
      return this.#openDrafts.of(planId);
    }
  }

  /** A draft as those who watch here were shown it, if it is open. */
  shownDraft(planId: string, draftId: string): Draft | undefined {
    return this.#openDrafts.find(planId, draftId);
  }

  /** How far the plan's run was last said to be, or null if none is on its way. */
  progress(planId: string): LiveEvent | null {
    return this.#latestProgress.of(planId) ?? null;
  }

  close(): void {
    for (const subscriptions of [...this.#plans.values()]) for (const one of [...subscriptions]) one.close();
    this.#stop();
  }

  readonly #committed: CommitListener = (commits) => {
    if (commits === 'unknown') {
      void this.#lookAnyway();
      return;
    }
    for (const commit of commits) {
      this.#pages.committed(commit);
      // Whoever watches is told that a stream has ended, then given its message.
      if (this.#remote?.hasOpen(commit.planId))
        void this.#remote.settle([commit.planId]).then(() => this.#offer(commit));
      else this.#offer(commit);
    }
  };

  #offer(commit: PlanCommit): void {
    for (const subscription of this.#plans.get(commit.planId) ?? []) subscription.offer(commit);
  }

  /**
   * Compares how far each watched plan's log goes with how far its watchers were when that was asked. A log that is
   * shorter than what a watcher was given, or has another epoch than when the watcher came, is another log. Looks may
   * overlap: one that a broken connection holds up does not hold up the next.
   */
  async #lookAnyway(): Promise<void> {
    if (this.#remote?.hasOpen()) await this.#remote.settle();
    const asked = new Map(this.#subscriptions().map((one) => [one, { position: one.position, history: one.history }]));
    try {
      const heads = await this.#log.heads([...this.#plans.keys()]);
      const { epoch } = this.#log;
      for (const subscription of this.#subscriptions()) {
        const before = asked.get(subscription);
        const head = heads.get(subscription.planId) ?? logStart;
        if (subscription.epoch !== epoch) subscription.reset(epoch);
        // It came, or was reset, meanwhile, and reads already.
        else if (before?.history !== subscription.history) continue;
        else if (isBehind(head, before.position)) {
          this.#pages.forget();
          subscription.reset(epoch);
        } else if (isBehind(subscription.position, head)) subscription.look();
      }
    } catch {
      // The database is away: the next look comes soon.
    }
  }

  #subscriptions(): readonly Subscription[] {
    return [...this.#plans.values()].flatMap((subscriptions) => [...subscriptions]);
  }

  #start(): void {
    if (this.#unwatch !== undefined) return;
    this.#unwatch = this.#log.onCommit(this.#committed);
    this.#scheduleLook();
  }

  #scheduleLook(): void {
    const look = () => {
      this.#scheduleLook();
      void this.#lookAnyway();
    };
    this.#endLooking = this.#clock.schedule(lookAnywayMs, look, 'background');
  }

  #stop(): void {
    this.#unwatch?.();
    this.#endLooking?.();
    this.#unwatch = undefined;
    this.#endLooking = undefined;
  }

  #ended(subscription: Subscription, reason: unknown): void {
    const { planId } = subscription;
    const subscriptions = this.#plans.get(planId);
    subscriptions?.delete(subscription);
    if (subscriptions?.size === 0) {
      this.#plans.delete(planId);
      this.#remote?.unwatch(planId);
    }
    if (this.#plans.size === 0) this.#stop();
    if (reason !== undefined) this.#observe({ type: 'watcher_failed', planId, error: reason });
  }
}

function isBehind(one: LogPosition, other: LogPosition): boolean {
  return one.sequence < other.sequence || one.revision < other.revision;
}
