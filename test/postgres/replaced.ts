import { Feed } from '../../src/feed/feed.ts';
import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import { decodeCursor, encodeCursor } from '../../src/protocol/cursor.ts';
import type { Clock } from '../../src/resilience/clock.ts';
import { logStart, type MessageLog } from '../../src/store/messageLog.ts';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import type { Wake } from '../../src/store/wake.ts';
import { whenAvailable } from '../../src/testing/contract/availability.ts';
import { samples } from '../../src/testing/contract/sampleMessages.ts';
import { ManualClock } from '../../src/testing/manualClock.ts';
import { ResettingWatcher } from './resettingWatcher.ts';

/** A way to keep a backup of a database and to put it back in place while clients are connected. */
export interface Backup {
  take(): Promise<unknown>;
  restore(): Promise<unknown>;
}

export interface ReplacedOptions {
  readonly url: string;
  readonly backup: Backup;
  /** For a control: the log that the watchers read instead. */
  readonly spoil?: (log: MessageLog) => MessageLog;
}

/** Hints that never come. */
const silence: Wake = { inTransaction: false, announce() {}, listen: () => () => {}, close: async () => {} };

/**
 * A plan grows to 20, is backed up, and grows to 40 under watchers; the backup is put back, and the plan grows to 60 with
 * other messages before anybody looks: nothing but the epoch tells that what stands at 21 to 40 is not what was seen.
 * Answers what the watchers were told and hold in the end, and what became of the cursors.
 */
export async function replaceUnderWatchers({ url, backup, spoil = (log) => log }: ReplacedOptions) {
  const clock = new ManualClock();
  const writer = await openPostgresStore(url);
  const watching = await openPostgresStore(url, { wake: silence });
  const log = spoil(watching.log);
  const feed = new Feed({ log, clock });
  const watcher = new ResettingWatcher(feed);
  const dropped: unknown[] = [];
  feed.subscribe('plan', logStart, { messages() {}, dropped: (reason) => dropped.push(reason) });
  const lookUpTo = async (sequence: number) => {
    await looked(log, clock);
    await watcher.upTo(sequence, 3_000);
  };

  await writer.log.append(samples(20, {}, 'kept'));
  await backup.take();
  await whenAvailable(() => writer.log.append(samples(20, {}, 'lost')));
  await lookUpTo(40);
  const seenBefore = watcher.watched.sequence;
  const cursors = [10, 20, 40].map((sequence) =>
    encodeCursor({ epoch: log.epoch, planId: 'plan', sequence, revision: 0 }),
  );
  await backup.restore();
  await whenAvailable(() => writer.log.append(samples(40, {}, 'other')));
  await lookUpTo(60);

  const after = await openPostgresStore(url);
  const page = await after.log.read('plan', logStart, 1_000);
  watcher.watched.stayedToTheEnd();
  const result = {
    seenBefore,
    resets: watcher.resets,
    dropped,
    stored: page.messages.length,
    violations: watcher.watched.violations(page.messages.map((message) => toAgentMessage(message))),
    cursors: [log, after.log].map(({ epoch }) =>
      cursors.map((cursor) => decodeCursor(cursor, { epoch, planId: 'plan' })),
    ),
  };
  feed.close();
  await Promise.all([writer.close(), watching.close(), after.close()]);
  return result;
}

/** Lets the feed look, and resolves when the database has answered it. */
async function looked(log: MessageLog, clock: Clock & Pick<ManualClock, 'advance'>): Promise<void> {
  await whenAvailable(() => log.heads(['plan']));
  clock.advance(1_500);
}
