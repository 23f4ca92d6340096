import { Feed } from '../../src/feed/feed.ts';
import { type Clock, systemClock } from '../../src/resilience/clock.ts';
import type { Store } from '../../src/store/store.ts';
import { oneTo, sample } from '../../src/testing/contract/sampleMessages.ts';
import { History } from '../../src/testing/history.ts';
import { Stalls } from './stalls.ts';
import { violationsOf } from './violationsOf.ts';
import { PlanWatcher } from './watching.ts';

/** How late a watcher may be whatever becomes of hints, in ms. */
export const promisedMs = 2_000;

export interface LostHintsOptions {
  readonly url: string;
  readonly writer: Store;
  /** Its hints are what is cut. */
  readonly watching: Store;
  readonly rounds: number;
  /** Cuts the hints, or breaks what brings them. */
  readonly cut: (round: number) => unknown;
  readonly mend?: (round: number) => unknown;
  /** Of the feed. Default: the system's. */
  readonly clock?: Clock;
}

/**
 * In each round the hints are cut, a message is stored by another instance, and its watchers are waited for. Answers how
 * late they were at most, in ms behind the acknowledgement, and what the oracle says.
 */
export async function loseHints({ url, writer, watching, rounds, cut, mend, clock = systemClock }: LostHintsOptions) {
  const history = new History({ oneClock: true });
  const feed = new Feed({ log: watching.log, clock });
  const stalls = new Stalls();
  const watchers = oneTo(3).map((number) => new PlanWatcher(feed, history, `watcher ${number}`, 'plan'));
  let latestMs = 0;
  for (const round of oneTo(rounds)) {
    await cut(round);
    const message = sample(`m${round}`);
    const submission = history.submit('writer', { ...message, agentName: 'Planner', content: `content of m${round}` });
    const lostBefore = stalls.lostMs;
    const [outcome] = await writer.log.append([message]);
    const storedAt = performance.now();
    submission.acknowledged(outcome?.message.sequence);
    const came = await Promise.all(watchers.map((watcher) => watcher.came(message.messageId)));
    latestMs = Math.max(latestMs, Math.max(...came) - storedAt - (stalls.lostMs - lostBefore));
    await mend?.(round);
  }
  for (const watcher of watchers) await watcher.stays(rounds);
  feed.close();
  stalls.end();
  return { latestMs, violations: await violationsOf(history, url) };
}
