import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageLog } from '../../src/store/messageLog.ts';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { History } from '../../src/testing/history.ts';
import { startPostgresProxy } from '../../src/testing/postgresProxy.ts';
import { Load, patientService } from './load.ts';
import { violationsOf } from './violationsOf.ts';

export interface LostAnswersOptions {
  readonly url: string;
  readonly cuts: number;
  readonly seed: number;
  /** For a control: the log that the services are given instead. */
  readonly spoil?: (log: MessageLog) => MessageLog;
}

const moments = ['before', 'within', 'after'] as const;

/**
 * Two services save to the same plans while their connections are cut before, within and after COMMIT. Answers what
 * was broken by that, and how often each cut was made.
 */
export async function loseAnswers({ url, cuts, seed, spoil = (log) => log }: LostAnswersOptions) {
  const random = new SeededRandom(seed);
  const history = new History({ oneClock: true });
  const proxy = await startPostgresProxy({ target: url });
  const stores = await Promise.all([1, 2].map(() => openPostgresStore(proxy.through(url))));
  const services = stores.map(({ log }) => patientService(spoil(log)));
  const load = new Load({ history, services, planIds: ['a', 'b', 'c'], random });
  const made = { before: 0, within: 0, after: 0 };
  for (let cut = 0; cut < cuts; cut++) {
    const done = await proxy.cutNext(random.pick(moments));
    if (done !== undefined) made[done.moment]++;
    // Now and then the next one comes while the batch is tried again.
    await (random.below(3) === 0 ? sleep(random.below(15)) : load.goesOn(1 + random.below(20)));
  }
  await load.stop();
  await Promise.all(stores.map((store) => store.close()));
  await proxy.close();
  return { violations: await violationsOf(history, url), counts: history.counts(), made };
}
