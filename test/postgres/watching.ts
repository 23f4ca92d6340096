import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { Feed } from '../../src/feed/feed.ts';
import type { Subscription } from '../../src/feed/subscription.ts';
import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import { type Clock, systemClock } from '../../src/resilience/clock.ts';
import type { LogPosition, MessageLog } from '../../src/store/messageLog.ts';
import type { Store } from '../../src/store/store.ts';
import { eventually } from '../../src/testing/contract/availability.ts';
import { sample } from '../../src/testing/contract/sampleMessages.ts';
import type { History } from '../../src/testing/history.ts';
import type { WatchedLog } from '../../src/testing/watchedLog.ts';

/** Watches a plan from behind `after` until `ended`, and records what it is given. */
export class PlanWatcher {
  readonly watched: WatchedLog;
  readonly subscription: Subscription;
  /** Why it was dropped. */
  dropped: unknown;
  /** When each message came, on the monotonic clock. */
  readonly #cameAt = new Map<string, number>();

  constructor(feed: Feed, history: History, name: string, planId: string, after = 0) {
    this.watched = history.watch(name, planId, after);
    const watcher = {
      messages: (messages: Parameters<Parameters<Feed['subscribe']>[2]['messages']>[0]) => {
        for (const message of messages) {
          this.watched.saw(toAgentMessage(message));
          this.#cameAt.set(message.messageId, performance.now());
        }
      },
      dropped: (reason: unknown) => {
        this.dropped = reason;
      },
    };
    this.subscription = feed.subscribe(planId, { sequence: after, revision: 0 }, watcher);
  }

  get sequence(): number {
    return this.watched.sequence;
  }

  /** Resolves with the time when the message came. */
  async came(messageId: string, patienceMs = 20_000): Promise<number> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const at = this.#cameAt.get(messageId);
      if (at !== undefined) return at;
      if (performance.now() > deadline) throw new Error(`${this.watched.name} has not seen ${messageId}`);
      await sleep(2);
    }
  }

  has(messageId: string): boolean {
    return this.#cameAt.has(messageId);
  }

  /** It is there until the end and has seen all up to `sequence`; or it throws. */
  async stays(sequence: number, patienceMs = 20_000): Promise<void> {
    this.watched.stayedToTheEnd();
    const deadline = performance.now() + patienceMs;
    while (this.sequence < sequence && performance.now() < deadline) await sleep(2);
  }
}

/** A clock whose timers never run. */
export const stillClock: Clock = { ...systemClock, schedule: () => () => {} };

/** A feed that never looks by itself: its watchers have hints alone. Closed when the test is finished. */
export function blindFeed(log: MessageLog): Feed {
  const feed = new Feed({ log, clock: stillClock });
  onTestFinished(() => feed.close());
  return feed;
}

/** Writes to the plan `plan` until a hint of it comes through; answers the id of the last message. */
export async function untilTold(writer: Store, watching: Store): Promise<string> {
  const told: LogPosition[] = [];
  const end = watching.log.onCommit((commits) => {
    if (commits !== 'unknown') told.push(...commits.map(({ head }) => head));
  });
  let messageId = '';
  await eventually('a hint comes', async () => {
    messageId = randomUUID();
    const [outcome] = await writer.log.append([sample(messageId)]);
    await sleep(5);
    return told.some(({ sequence }) => sequence === outcome?.message.sequence);
  });
  end();
  return messageId;
}
