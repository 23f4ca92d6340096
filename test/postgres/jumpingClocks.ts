import { Indelible } from '../../src/agents/indelible.ts';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { History } from '../../src/testing/history.ts';
import { JumpingClock } from '../../src/testing/jumpingClock.ts';
import { Load, patience } from './load.ts';
import { rowsOf } from './violationsOf.ts';
import { PlanWatcher } from './watching.ts';

const planIds = ['a', 'b'];

/**
 * Two instances whose clocks are set on and back by up to an hour at every reading save to the same plans, each watching
 * what both write. Answers what the oracle says, and what it would say had the log been sorted by its timestamps.
 */
export async function jumpClocks({
  url,
  saves,
  seed,
}: {
  readonly url: string;
  readonly saves: number;
  readonly seed: number;
}) {
  const random = new SeededRandom(seed);
  const history = new History({ oneClock: true });
  const instances = await Promise.all(
    [1, 2].map(async () => {
      const clock = new JumpingClock({ random: () => random.next() });
      return new Indelible(await openPostgresStore(url), { clock, persistence: patience });
    }),
  );
  const watchers = instances.flatMap(({ feed }, index) =>
    planIds.map((planId) => new PlanWatcher(feed, history, `instance ${index}`, planId)),
  );
  const load = new Load({ history, services: instances.map(({ persistence }) => persistence), planIds, random });
  await load.goesOn(saves);
  await load.stop();
  const rows = await rowsOf(history, url);
  for (const watcher of watchers)
    await watcher.stays(rows.filter(({ planId }) => planId === watcher.watched.planId).length);
  await Promise.all(instances.map((instance) => instance.close()));
  const sortedByTime = rows.toSorted((one, other) => (one.timestamp < other.timestamp ? -1 : 1));
  return {
    violations: history.violations(rows),
    violationsByTime: history.violations(sortedByTime.map((row, index) => ({ ...row, sequence: index + 1 }))),
    counts: history.counts(),
  };
}
