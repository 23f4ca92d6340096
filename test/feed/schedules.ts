import fc from 'fast-check';
import { Feed } from '../../src/feed/feed.ts';
import type { LogExtent, Subscription } from '../../src/feed/subscription.ts';
import type { StoredMessage } from '../../src/protocol/message.ts';
import type { LogPosition, MessageLog } from '../../src/store/messageLog.ts';
import { ManualClock } from '../../src/testing/manualClock.ts';
import { PlanView } from '../live/planView.ts';
import { type Hint, ModelLog } from './modelLog.ts';

export type Step =
  | { readonly do: 'commit'; readonly count: number; readonly hint: Hint }
  | { readonly do: 'change'; readonly which: number; readonly hint: Hint }
  | { readonly do: 'trim'; readonly count: number }
  /** The watcher's connection breaks, and it comes back with the place that it was given last. */
  | { readonly do: 'break'; readonly watcher: number }
  /** Another one comes in its stead, who holds nothing. */
  | { readonly do: 'anew'; readonly watcher: number };

const hint = fc.constantFrom<Hint>('told', 'told', 'twice', 'unknown', 'head', 'lost');

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('commit'), count: fc.integer({ min: 1, max: 4 }), hint }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('change'), which: fc.nat(20), hint }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('trim'), count: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('break'), watcher: fc.nat(4) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('anew'), watcher: fc.nat(4) }) },
) as fc.Arbitrary<Step>;

export interface ScheduleOptions {
  readonly runs: number;
  readonly seed: number;
  /** For a control: the log that the feed reads instead. */
  readonly spoil?: (log: MessageLog) => MessageLog;
}

/**
 * Runs random schedules of commits, edits, trims, hints, broken connections, and of when each question reaches the
 * database and each answer the reader. Answers the first schedule in which a watcher was told what it must not be, or
 * holds something else in the end than the log; undefined if there is none.
 */
export async function firstBadSchedule({ runs, seed, spoil = (log) => log }: ScheduleOptions) {
  const property = fc.asyncProperty(
    fc.scheduler(),
    fc.array(step, { minLength: 3, maxLength: 24 }),
    fc.nat(12),
    fc.integer({ min: 2, max: 5 }),
    async (scheduler, steps, before, pageLength) => {
      const delay = (what: string) => scheduler.schedule(Promise.resolve(), what).then(() => {});
      const log = new ModelLog(delay, pageLength);
      if (before > 0) log.commit(before, 'lost');
      const clock = new ManualClock();
      const feed = new Feed({ log: spoil(log), clock });
      const watchers = Array.from({ length: 5 }, (_, index) => new ScheduledWatcher(feed, index % 2 === 0, delay));
      const happening = steps.map((one) => delay(one.do).then(() => perform(one, log, watchers)));
      await scheduler.waitAll();
      await Promise.all(happening);
      // All hints may have been lost: two looks of the feed must be enough.
      for (let look = 0; look < 2; look++) {
        clock.advance(1_500);
        do {
          await scheduler.waitAll();
          await settled();
        } while (scheduler.count() > 0);
      }
      feed.close();
      const held = log.all.map(toSeen);
      const wrong = watchers.flatMap(({ view }, index) =>
        view.compare(held).map((what) => `watcher ${index}: ${what}`),
      );
      if (wrong.length > 0) throw new Error(wrong.join('\n'));
    },
  );
  const result = await fc.check(property, { numRuns: runs, seed, endOnFailure: true });
  return result.failed ? String((result.errorInstance as Error | null)?.message ?? 'it hangs') : undefined;
}

function perform(step: Step, log: ModelLog, watchers: readonly ScheduledWatcher[]): void {
  if (step.do === 'commit') log.commit(step.count, step.hint);
  else if (step.do === 'change') log.change(step.which, step.hint);
  else if (step.do === 'trim') log.trimBy(step.count);
  else if (step.do === 'break') watchers[step.watcher]?.comesBack();
  else watchers[step.watcher]?.isAnother();
}

function toSeen({ sequence, version, body }: StoredMessage) {
  return { sequence, version, text: body };
}

/** All that goes on without the database or a watcher has. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A watcher as a connection of `indelible.v1` is one, without the connection. */
class ScheduledWatcher {
  view = new PlanView();
  readonly #feed: Feed;
  readonly #isSlow: boolean;
  readonly #delay: (what: string) => Promise<void>;
  #subscription: Subscription;
  /** What it was given last as the place to go on from. */
  #place: LogPosition | undefined;

  constructor(feed: Feed, isSlow: boolean, delay: (what: string) => Promise<void>) {
    this.#feed = feed;
    this.#isSlow = isSlow;
    this.#delay = delay;
    this.#subscription = this.#subscribe();
  }

  comesBack(): void {
    this.#subscription.close();
    this.view.cameBack(this.#place?.sequence ?? 0);
    this.#subscription = this.#subscribe();
  }

  isAnother(): void {
    this.#subscription.close();
    this.view = new PlanView();
    this.#place = undefined;
    this.#subscription = this.#subscribe();
  }

  #subscribe(): Subscription {
    return this.#feed.subscribe('plan', (extent) => this.#start(extent), {
      messages: (messages, to) => this.#take(messages, to),
      updates: (messages, to) => this.#take(messages, to),
      gap: (from, to) => this.view.gap(from, to),
      reset: () => this.view.reset(),
    });
  }

  #start({ head }: LogExtent): LogPosition {
    return this.#place === undefined || this.#place.sequence === 0
      ? { sequence: 0, revision: head.revision }
      : this.#place;
  }

  #take(messages: readonly StoredMessage[], to: LogPosition): Promise<void> | undefined {
    for (const message of messages) this.view.message(toSeen(message));
    this.#place = to;
    return this.#isSlow ? this.#delay('the watcher is slow') : undefined;
  }
}
