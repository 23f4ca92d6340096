import { IndelibleError } from '../protocol/errors.ts';
import type { LiveEvent } from '../protocol/liveEvent.ts';
import type { StoredMessage } from '../protocol/message.ts';
import { Backoff } from '../resilience/backoff.ts';
import type { Clock } from '../resilience/clock.ts';
import { type LogPage, type LogPosition, logStart, type PlanCommit } from '../store/messageLog.ts';
import { AheadOfUpdates } from './aheadOfUpdates.ts';
import type { DraftPiece } from './draftPiece.ts';
import type { LogPages } from './logPages.ts';
import { type WaitingEvent, WaitingEvents } from './waitingEvents.ts';
import type { Watcher } from './watcher.ts';

export interface SubscriptionOptions {
  readonly planId: string;
  readonly after: LogPosition | StartAt;
  readonly watcher: Watcher;
  readonly pages: Pick<LogPages, 'read'>;
  readonly extent: (planId: string) => Promise<LogExtent>;
  /** Of the log that `after` is a place in. */
  readonly epoch: string;
  readonly clock: Clock;
  readonly ended: (subscription: Subscription, reason: unknown) => void;
}

/** How far a plan's log goes, and which history of the log that is. */
export interface LogExtent {
  readonly head: LogPosition;
  readonly epoch: string;
}

/** Where a watcher begins, said when it is known how far the log goes. Within the call nothing is given to it. */
export type StartAt = (extent: LogExtent) => LogPosition;

/**
 * One watcher's way through one plan's log.
 *
 *     subscribed ──→ reading: pages behind the position, until one comes back short ──→ live
 *                       ↑                                                                │
 *                       └── a hint that does not continue at the position, or that ──────┘
 *                           comes while the watcher is busy
 *
 * The position is the only truth: it moves when messages were given to the watcher, and only by a run that begins right
 * behind it. A hint that carries such a run saves the read; any other hint makes it look. So nothing is given twice
 * and nothing is left out, whatever comes first, twice, late or not at all.
 */
export class Subscription {
  readonly planId: string;
  readonly #watcher: Watcher;
  readonly #pages: Pick<LogPages, 'read'>;
  readonly #extent: (planId: string) => Promise<LogExtent>;
  readonly #clock: Clock;
  readonly #ended: (subscription: Subscription, reason: unknown) => void;
  readonly #events = new WaitingEvents();
  readonly #ahead = new AheadOfUpdates();
  #position: LogPosition;
  #epoch: string;
  /** Where to begin is not known yet. */
  #startAt: StartAt | undefined;
  /** How far the log goes, while nothing was heard that came after it was asked. */
  #head: LogPosition | undefined;
  /** Counts the histories of the log: what was read of an older one is not given. */
  #history = 0;
  #busy = false;
  #lookAgain = false;
  #closed = false;
  #caughtUp = false;
  #endPause: (() => void) | undefined;

  constructor(options: SubscriptionOptions) {
    this.planId = options.planId;
    this.#position = typeof options.after === 'function' ? logStart : options.after;
    this.#startAt = typeof options.after === 'function' ? options.after : undefined;
    this.#epoch = options.epoch;
    this.#watcher = options.watcher;
    this.#pages = options.pages;
    this.#extent = options.extent;
    this.#clock = options.clock;
    this.#ended = options.ended;
    this.look();
  }

  /** Up to where the watcher was given the log. */
  get position(): LogPosition {
    return this.#position;
  }

  /** How often the log became another one. */
  get history(): number {
    return this.#history;
  }

  /**
   * The epoch of the log that the position is a place in, and the one for cursors: the log's own may be that of another
   * log already, which is about to be noticed here.
   */
  get epoch(): string {
    return this.#epoch;
  }

  close(): void {
    this.#end(undefined);
  }

  /** Something may be new: reads on from the position. */
  look(): void {
    if (this.#closed) return;
    this.#lookAgain = true;
    this.#head = undefined;
    if (!this.#busy) void this.#catchUp();
  }

  /** The log is another one now, with this epoch: nothing that was given counts. */
  reset(epoch: string): void {
    if (this.#closed || this.#startAt !== undefined) return;
    if (this.#watcher.reset === undefined) {
      this.#end(new IndelibleError('log_replaced'));
      return;
    }
    this.#events.clear();
    this.#ahead.clear();
    this.#history++;
    this.#epoch = epoch;
    this.#position = logStart;
    this.#guard(() => this.#watcher.reset?.());
    this.look();
  }

  /** A commit: given at once if it continues right behind the position, else looked up. */
  offer(commit: PlanCommit): void {
    if (this.#closed) return;
    if (!this.#isNew(commit)) return;
    this.#events.place(commit);
    if (this.#busy || !this.#continues(commit)) {
      this.look();
      return;
    }
    const given = this.#give(commit.messages, this.#ahead.news(commit.updates), commit.head);
    this.#advance(commit.messages, commit.updates);
    if (given === undefined) return;
    this.#busy = true;
    given.then(
      () => void this.#catchUp(),
      (error: unknown) => this.#end(error),
    );
  }

  /** A live event: given in its order behind what was committed before it. */
  tell(event: LiveEvent, piece?: DraftPiece): void {
    if (this.#closed || this.#watcher.live === undefined) return;
    if (!this.#busy) this.#guard(() => this.#watcher.live?.(event, piece));
    else if (!this.#events.push(event, piece)) this.#watcher.missed?.();
  }

  /** Whether the commit, which ends at its head, carries all that is between the position and the head. */
  #continues({ head, messages, updates }: PlanCommit): boolean {
    const { sequence, revision } = this.#position;
    return head.sequence - sequence === messages.length && head.revision - revision === updates.length;
  }

  #isNew({ head }: PlanCommit): boolean {
    return head.sequence > this.#position.sequence || head.revision > this.#position.revision;
  }

  async #catchUp(): Promise<void> {
    this.#busy = true;
    const backoff = new Backoff({ initialDelayMs: 20, maxDelayMs: 1_000 });
    while (!this.#closed && this.#lookAgain) {
      this.#lookAgain = false;
      try {
        if (this.#startAt !== undefined) await this.#begin(this.#startAt);
        const history = this.#history;
        const page = await this.#pages.read(this.planId, this.#position, this.#head);
        if (this.#closed) return;
        if (history !== this.#history) continue;
        if (page.more) this.#lookAgain = true;
        this.#passOver(page.trimmed);
        await this.#givePage(page);
        if (history === this.#history) this.#position = farther(page.position, page.trimmed);
        backoff.reset();
      } catch (error) {
        if (error instanceof WatcherError) return this.#end(error.cause);
        this.#lookAgain = true;
        await this.#pause(backoff.next());
      }
    }
    this.#busy = false;
    this.#afterCatchUp();
  }

  async #begin(startAt: StartAt): Promise<void> {
    const extent = await this.#extent(this.planId);
    if (this.#closed) return;
    if (!this.#lookAgain) this.#head = extent.head;
    this.#startAt = undefined;
    this.#epoch = extent.epoch;
    this.#guard(() => {
      this.#position = startAt(extent);
    });
  }

  #passOver(trimmed: number): void {
    const { sequence, revision } = this.#position;
    if (trimmed <= sequence) return;
    this.#position = { sequence: trimmed, revision };
    this.#guard(() => this.#watcher.gap?.(sequence + 1, trimmed));
  }

  async #givePage({ messages, updates, position: { revision } }: LogPage): Promise<void> {
    // An update of a message that is yet to come, or that comes on this very page, comes with the message.
    const before = this.#position.sequence;
    const history = this.#history;
    const news = this.#ahead.news(updates);
    let seen = news.every(({ sequence }) => sequence <= before)
      ? news
      : news.filter(({ sequence }) => sequence <= before);
    this.#ahead.reached(revision);
    this.#ahead.given(messages, revision);
    this.#events.stored(messages);
    let rest = messages;
    do {
      const run = this.#events.messagesBefore(rest);
      rest = rest.slice(run.length);
      try {
        await this.#give(run, seen, { sequence: run.at(-1)?.sequence ?? before, revision });
      } catch (cause) {
        throw new WatcherError('the watcher failed', { cause });
      }
      seen = [];
      const next = rest[0]?.sequence ?? 0;
      for (let event = this.#events.takeBefore(next); event; event = this.#events.takeBefore(next)) this.#tell(event);
    } while (rest.length > 0 && !this.#closed && history === this.#history);
  }

  #tell({ event, piece }: WaitingEvent): void {
    this.#guard(() => this.#watcher.live?.(event, piece));
  }

  #afterCatchUp(): void {
    if (this.#closed) return;
    if (!this.#caughtUp) {
      this.#caughtUp = true;
      this.#guard(() => this.#watcher.caughtUp?.());
    }
    for (const { event, piece } of this.#events.takeAll()) this.tell(event, piece);
  }

  #give(
    messages: readonly StoredMessage[],
    updates: readonly StoredMessage[],
    to: LogPosition,
  ): Promise<void> | undefined {
    try {
      const one = updates.length > 0 ? this.#watcher.updates?.(updates, before(messages, to)) : undefined;
      const other = messages.length > 0 ? this.#watcher.messages(messages, to) : undefined;
      if (one === undefined && other === undefined) return undefined;
      return Promise.all([one, other]).then(() => {});
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #advance(messages: readonly StoredMessage[], updates: readonly StoredMessage[]): void {
    this.#position = {
      sequence: messages.at(-1)?.sequence ?? this.#position.sequence,
      revision: updates.at(-1)?.revision ?? this.#position.revision,
    };
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#end(error);
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.schedule(delayMs, resolve, 'background');
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }

  #end(reason: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events.clear();
    this.#endPause?.();
    this.#ended(this, reason);
    if (reason === undefined) return;
    try {
      this.#watcher.dropped?.(reason);
    } catch {
      // It was dropped because it fails.
    }
  }
}

/** What was trimmed need not be read to be behind it. */
function farther({ sequence, revision }: LogPosition, trimmed: number): LogPosition {
  return { sequence: Math.max(sequence, trimmed), revision };
}

/** The place of whoever has the updates, and not yet the messages. */
function before([first]: readonly StoredMessage[], to: LogPosition): LogPosition {
  return first === undefined ? to : { sequence: first.sequence - 1, revision: to.revision };
}

/** Tells a watcher's failure from the database's. */
class WatcherError extends Error {}
