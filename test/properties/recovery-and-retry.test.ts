import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import type { IndelibleEvent } from '../../src/observe/events.ts';
import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import type { StoredMessage } from '../../src/protocol/message.ts';
import { logStart } from '../../src/store/messageLog.ts';
import type { Store } from '../../src/store/store.ts';
import { type Fault, History, withFaults } from '../../src/testing/index.ts';
import { WatchedLog } from '../../src/testing/watchedLog.ts';
import { type Database, storesUnderTest } from '../storesUnderTest.ts';
import { anyExecution } from './execution.ts';
import { hurriedClock } from './hurriedClock.ts';
import { hangsEnd } from './outage.ts';
import { freshPlanId, performPlan } from './performing.ts';
import { property } from './property.ts';
import { differences, readPlan } from './reading.ts';

/** Outages: the database is away, or takes what it is given and does not say so, or says nothing for a while. */
const anyOutage = fc.array(fc.constantFrom<Fault>('none', 'unavailable', 'answer_lost', 'hang', 'answer_hangs'), {
  maxLength: 10,
});

describe.each(storesUnderTest)('on $name', ({ create }) => {
  let database: Database;
  let store: Store;
  let reader: Store;
  beforeAll(async () => {
    database = await create();
    store = await database.open();
    reader = await database.open();
  });
  afterAll(() => database.drop());

  property(
    'Error recovery and retry: what could not be saved is logged, waits, and is in the database when that is back: ' +
      'all of it, once, in its order; saving it again changes nothing. (5.2, 5.3)',
    [anyExecution({ graphs: false, ways: ['save', 'persistMessage', 'saveMessagesBatch'], allNamed: true }), anyOutage],
    async (execution, outage) => {
      const { store: faulty, faults } = withFaults(store);
      let calls = 0;
      let failed = 0;
      const script: typeof faults.script = ({ name }) => {
        const fault = outage[calls++] ?? 'none';
        if (name === 'append' && (fault === 'unavailable' || fault === 'answer_lost')) failed++;
        return fault;
      };
      const endHanging = hangsEnd(faults, script);
      const events: IndelibleEvent[] = [];
      const lines: string[] = [];
      const write = (_event: unknown, line?: string) => void lines.push(line ?? '');
      const indelible = new Indelible(faulty, {
        clock: hurriedClock(100),
        // A try is never given up, so that those that fail can be counted.
        persistence: { attemptMs: Number.POSITIVE_INFINITY },
        observe: (event) => void events.push(event),
        logger: { debug: () => {}, info: () => {}, warn: write, error: write } as never,
      });
      const performed = execution.plans.map(async ({ label, agents }) => {
        const planId = freshPlanId(label);
        // Whoever watches reads from the database that fails, and misses nothing either.
        const watched = new WatchedLog('the watcher', planId, 0);
        const messages = (news: readonly StoredMessage[]) => {
          for (const message of news) watched.saw(toAgentMessage(message));
        };
        const subscription = indelible.feed.subscribe(planId, logStart, { messages });
        return { planId, watched, subscription, written: await performPlan(planId, agents, { log: indelible }) };
      });
      const plans = await Promise.all(performed);
      await indelible.persistence.close(6_000_000);

      const late = plans.flatMap(({ written }) => written).filter(({ stored }) => !stored);
      const count = (type: IndelibleEvent['type']) => events.filter((event) => event.type === type).length;
      expect(count('batch_retried')).toBe(failed);
      expect(count('message_late')).toBe(late.length);
      expect(lines).toHaveLength(failed + late.length + count('outage_began'));

      const again = new Indelible(store);
      for (const { planId, written, watched, subscription } of plans) {
        const history = new History();
        // One producer: all calls of a plan are made in one order.
        for (const { agentName, said, messageId } of written) {
          history.submit('the plan', { planId, agentName, messageId: messageId as string, ...said }).acknowledged();
        }
        await history.verify(reader.log);
        const before = await readPlan(reader, planId);
        await vi.waitUntil(() => subscription.position.sequence === before.length, { timeout: 20_000, interval: 5 });
        subscription.close();
        watched.stayedToTheEnd();
        expect(watched.violations(before)).toEqual([]);
        expect(differences(before, written)).toEqual({ missing: [], extra: [] });
        await Promise.all(
          written.map(async ({ agentName, said, messageId }) => {
            const saved = await again.save({ planId, agentName, ...said, messageId });
            expect(saved).toMatchObject({ status: 'stored', duplicate: true });
          }),
        );
        expect(await readPlan(reader, planId)).toEqual(before);
      }
      endHanging();
    },
  );
});
