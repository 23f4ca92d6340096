import { IndelibleError } from '../protocol/errors.ts';
import type { LiveEvent } from '../protocol/liveEvent.ts';
import type { StoredMessage } from '../protocol/message.ts';
import { Backoff } from '../resilience/backoff.ts';
import type { Clock } from '../resilience/clock.ts';
import { type LogPosition, logStart, type MessageLog, type PlanCommit } from '../store/messageLog.ts';
import type { Watcher } from './watcher.ts';

const pageSize = 250;
/** Live events kept for a watcher that is just being given messages; what is more is left out. */
const maxWaitingEvents = 256;

export interface SubscriptionOptions {
  readonly planId: string;
  readonly after: LogPosition;
  readonly watcher: Watcher;
  readonly log: Pick<MessageLog, 'read'>;
  /** Of the log that `after` is a place in. */
  readonly epoch: string;
  readonly clock: Clock;
  readonly ended: (subscription: Subscription, reason: unknown) => void;
}

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
  readonly #log: Pick<MessageLog, 'read'>;
  readonly #clock: Clock;
  readonly #ended: (subscription: Subscription, reason: unknown) => void;
  readonly #events: WaitingEvent[] = [];
  /** How far the log goes, as far as commits that were offered say. */
  #offered: number | undefined;
  #position: LogPosition;
  #epoch: string;
  /** Counts the histories of the log: what was read of an older one is not given. */
  #history = 0;
  #busy = false;
  #lookAgain = false;
  #closed = false;
  #caughtUp = false;
  #endPause: (() => void) | undefined;

  constructor(options: SubscriptionOptions) {
    this.planId = options.planId;
    this.#position = options.after;
    this.#epoch = options.epoch;
    this.#watcher = options.watcher;
    this.#log = options.log;
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
    if (!this.#busy) void this.#catchUp();
  }

  /** The log is another one now, with this epoch: nothing that was given counts. */
  reset(epoch: string): void {
    if (this.#closed) return;
    if (this.#watcher.reset === undefined) {
      this.#end(new IndelibleError('log_replaced'));
      return;
    }
    this.#events.length = 0;
    this.#offered = undefined;
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
    this.#place(commit);
    if (this.#busy || !this.#continues(commit)) {
      this.look();
      return;
    }
    const given = this.#give(commit.messages, commit.updates);
    this.#advance(commit.messages, commit.updates);
    if (given === undefined) return;
    this.#busy = true;
    given.then(
      () => void this.#catchUp(),
      (error: unknown) => this.#end(error),
    );
  }

  /** A live event: given in its order behind what was committed before it. */
  tell(event: LiveEvent): void {
    if (this.#closed || this.#watcher.live === undefined) return;
    if (!this.#busy) this.#guard(() => this.#watcher.live?.(event));
    else if (this.#events.length < maxWaitingEvents) this.#events.push({ event, behind: this.#offered });
  }

  /** What waits was told before this commit, so it comes before its messages. */
  #place({ head, messages }: PlanCommit): void {
    if (messages.length === 0) return;
    for (const waiting of this.#events) waiting.behind ??= head.sequence - messages.length;
    this.#offered = Math.max(this.#offered ?? 0, head.sequence);
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
        const history = this.#history;
        const page = await this.#log.read(this.planId, this.#position, pageSize);
        if (this.#closed) return;
        if (history !== this.#history) continue;
        if (page.more) this.#lookAgain = true;
        await this.#givePage(page.messages, page.updates);
        if (history === this.#history) this.#position = page.position;
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

  async #givePage(messages: readonly StoredMessage[], updates: readonly StoredMessage[]): Promise<void> {
    // An update of a message that is yet to come, or that comes on this very page, comes with the message.
    const before = this.#position.sequence;
    const history = this.#history;
    let seen = updates.filter((update) => update.sequence <= before);
    let rest = messages;
    do {
      const run = this.#upToNextEvent(rest);
      rest = rest.slice(run.length);
      try {
        await this.#give(run, seen);
      } catch (cause) {
        throw new WatcherError('the watcher failed', { cause });
      }
      seen = [];
      const next = rest[0]?.sequence ?? 0;
      while (this.#events[0]?.behind !== undefined && this.#events[0].behind < next) this.#tellNext();
    } while (rest.length > 0 && !this.#closed && history === this.#history);
  }

  /** The messages that come before the first event that waits. */
  #upToNextEvent(messages: readonly StoredMessage[]): readonly StoredMessage[] {
    const behind = this.#events[0]?.behind;
    return behind === undefined ? messages : messages.filter(({ sequence }) => sequence <= behind);
  }

  #tellNext(): void {
    const next = this.#events.shift();
    if (next !== undefined) this.#guard(() => this.#watcher.live?.(next.event));
  }

  #afterCatchUp(): void {
    if (this.#closed) return;
    if (!this.#caughtUp) {
      this.#caughtUp = true;
      this.#guard(() => this.#watcher.caughtUp?.());
    }
    for (const { event } of this.#events.splice(0)) this.tell(event);
  }

  #give(messages: readonly StoredMessage[], updates: readonly StoredMessage[]): Promise<void> | undefined {
    try {
      const one = updates.length > 0 ? this.#watcher.updates?.(updates) : undefined;
      const other = messages.length > 0 ? this.#watcher.messages(messages) : undefined;
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
    this.#events.length = 0;
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

interface WaitingEvent {
  readonly event: LiveEvent;
  /** The message behind which it comes; undefined while no commit said where that is: behind all there is. */
  behind: number | undefined;
}

/** Tells a watcher's failure from the database's. */
class WatcherError extends Error {}
