import { setTimeout as sleep } from 'node:timers/promises';
import { Feed } from '../../src/feed/feed.ts';
import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import { decodeCursor, encodeCursor } from '../../src/protocol/cursor.ts';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { readAll } from '../../src/store/readAll.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { History } from '../../src/testing/history.ts';
import { Load, patientService } from './load.ts';
import type { Backup } from './replaced.ts';
import { ResettingWatcher } from './resettingWatcher.ts';

export interface RestoredUnderLoadOptions {
  readonly url: string;
  readonly backup: Backup;
  readonly restores: number;
  readonly seed: number;
}

/**
 * Two services save to a plan, and watchers of both come and go with cursors, while the same backup is put back again
 * and again. Answers in what the watchers that are there at the end differ from the database.
 */
export async function restoreUnderLoad({ url, backup, restores, seed }: RestoredUnderLoadOptions) {
  const random = new SeededRandom(seed);
  const stores = await Promise.all([1, 2].map(() => openPostgresStore(url)));
  const feeds = stores.map(({ log }) => new Feed({ log }));
  const load = new Load({
    history: new History(),
    services: stores.map(({ log }) => patientService(log)),
    planIds: ['plan'],
    random,
  });
  await load.goesOn(50);
  await backup.take();
  await load.goesOn(50);

  const staying = feeds.flatMap((feed) => [new ResettingWatcher(feed), new ResettingWatcher(feed)]);
  let going = true;
  const returning = feeds.map(async (feed, index) => {
    const { log } = stores[index] as (typeof stores)[number];
    let watcher = new ResettingWatcher(feed);
    while (going) {
      await sleep(random.below(60));
      const { position, epoch } = watcher.subscription;
      const cursor = encodeCursor({ epoch, planId: 'plan', ...position });
      watcher.subscription.close();
      await sleep(random.below(60));
      const place = decodeCursor(cursor, { epoch: log.epoch, planId: 'plan' });
      watcher = place === 'reset' ? new ResettingWatcher(feed) : watcher.continued(feed, place);
    }
    return watcher;
  });
  for (let restore = 0; restore < restores; restore++) {
    await sleep(random.below(400));
    await load.goesOn(30 + random.below(100));
    await backup.restore();
  }
  await load.goesOn(100);
  await load.stop();
  going = false;
  const watchers = [...staying, ...(await Promise.all(returning))];
  const messages = await Array.fromAsync(readAll((stores[0] as (typeof stores)[number]).log, 'plan'));
  const rows = messages.map((message) => toAgentMessage(message));
  // Until each has looked once more.
  await sleep(2_000);
  for (const watcher of watchers) {
    await watcher.upTo(rows.length);
    watcher.watched.stayedToTheEnd();
  }
  const violations = watchers.flatMap(({ watched }, index) =>
    watched.violations(rows).map((violation) => `${index}: ${violation}`),
  );
  for (const feed of feeds) feed.close();
  await Promise.all(stores.map((store) => store.close()));
  return { violations, resets: staying.map(({ resets }) => resets), stored: rows.length };
}
