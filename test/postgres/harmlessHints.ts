import { expect } from 'vitest';
import { eventually } from '../../src/testing/contract/availability.ts';
import { sample, samples } from '../../src/testing/contract/sampleMessages.ts';
import { History } from '../../src/testing/history.ts';
import type { LookedAtLog } from './lookedAtLog.ts';
import { blindFeed, PlanWatcher } from './watching.ts';

/** Hints that are forged, stale or senseless, each for the plan `plan` that is at 3, or for another. */
const harmless: readonly string[] = [
  '',
  '3',
  '3 0',
  '3 0 ',
  'x y plan',
  '-9 0 plan',
  '4e9 0 plan',
  '0x10 0 plan',
  '99999999999999999 0 plan',
  'NaN NaN plan',
  '3 0 plan',
  '1 0 plan',
  '0 0 plan',
  '1 0 plan\n2 0 plan\n3 0 plan',
  '9 9 another plan',
  '{"planId":"plan","head":{"sequence":9}}',
  '9 9 plan\u{2028}',
  `9 9 ${'p'.repeat(2_000)}`,
];

export async function expectHintsToBeHarmless(
  { log, reads }: LookedAtLog,
  send: (hint: string) => Promise<unknown>,
): Promise<void> {
  const heard: unknown[] = [];
  const history = new History();
  const watcher = new PlanWatcher(blindFeed(log), history, 'watcher', 'plan');
  log.onCommit((commits) => heard.push(commits));
  // Until hints come through, and the first of them has been looked after.
  await log.append(samples(3));
  await eventually('hints come', async () => {
    await send('3 0 plan');
    return heard.some((commits) => Array.isArray(commits) && commits[0]?.messages.length === 0);
  });
  await watcher.came('m3');
  const seen = watcher.watched.count;
  const before = reads.get('plan') ?? 0;
  for (const hint of harmless) await send(hint);
  const forged = ['4 0 plan', '9007199254740991 0 plan', '9999999999999999 9999999999999999 plan', '3 7 plan'];
  for (const [index, hint] of forged.entries()) {
    await send(hint);
    await eventually('the forged hint is looked after', () => (reads.get('plan') ?? 0) === before + index + 1);
  }
  expect([...reads.keys()]).toEqual(['plan']);
  expect(watcher.watched.count).toBe(seen);
  expect(watcher.subscription.position).toEqual({ sequence: 3, revision: 0 });
  await log.append([sample('m4')]);
  await watcher.came('m4');
  expect(watcher.watched.count).toBe(4);
}
