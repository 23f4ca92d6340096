import { setTimeout as sleep } from 'node:timers/promises';
import type { Feed } from '../../src/feed/feed.ts';
import type { Subscription } from '../../src/feed/subscription.ts';
import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import type { StoredMessage } from '../../src/protocol/message.ts';
import { type LogPosition, logStart } from '../../src/store/messageLog.ts';
import { WatchedLog } from '../../src/testing/watchedLog.ts';

/** A watcher that begins anew when it is told that the log is another one. */
export class ResettingWatcher {
  readonly subscription: Subscription;
  resets = 0;
  /** What it was given since it last began, also by those it continues. */
  watched: WatchedLog;

  constructor(feed: Feed, after: LogPosition = logStart, watched: WatchedLog = begin()) {
    this.watched = watched;
    const watcher = {
      messages: (messages: readonly StoredMessage[]) => {
        for (const message of messages) this.watched.saw(toAgentMessage(message));
      },
      reset: () => {
        this.resets++;
        this.watched = begin();
      },
    };
    this.subscription = feed.subscribe('plan', after, watcher);
  }

  /** The same watcher, connected again with a cursor. */
  continued(feed: Feed, after: { readonly sequence: number; readonly revision: number }): ResettingWatcher {
    return new ResettingWatcher(feed, after, this.watched);
  }

  /** Resolves when it has been given all up to `sequence`, or after a while. */
  async upTo(sequence: number, patienceMs = 10_000): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (this.watched.sequence < sequence && performance.now() < deadline) await sleep(5);
  }
}

function begin(): WatchedLog {
  return new WatchedLog('watcher', 'plan', 0);
}
