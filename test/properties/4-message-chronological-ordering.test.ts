import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import type { AgentMessage } from '../../src/protocol/message.ts';
import { systemClock } from '../../src/resilience/clock.ts';
import type { Store } from '../../src/store/store.ts';
import { type Fault, withFaults } from '../../src/testing/index.ts';
import { type Database, storesUnderTest } from '../storesUnderTest.ts';
import { anyExecution } from './execution.ts';
import { perform, type Written } from './performing.ts';
import { property } from './property.ts';
import { readPlan, says } from './reading.ts';

/** What the store does to the calls that come, one after the other; nothing is wrong with the later ones. */
const anyFaults = fc.oneof(
  fc.array(fc.constantFrom<Fault>('none', 'unavailable', 'answer_lost'), { maxLength: 12 }),
  fc.array(fc.constantFrom<Fault>('none', 'unavailable', 'refused'), { maxLength: 12 }),
);
/** What the clock says, call by call: it jumps, back too. */
const anyTimes = fc.array(fc.integer({ min: 0, max: 4e12 }), { minLength: 1, maxLength: 8 });

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
    'Feature: fix-message-persistence-without-websocket, Property 4: Message Chronological Ordering: for any sequence ' +
      'generated, storage keeps the same order. (1.5)',
    [anyExecution({ maxSteps: 8 }), anyFaults, anyTimes, fc.integer({ min: 1, max: 5 })],
    async (execution, faultsToCome, times, maxBatch) => {
      const { store: faulty, faults } = withFaults(store);
      let calls = 0;
      faults.script = ({ name }) => (name === 'append' ? (faultsToCome[calls++] ?? 'none') : 'none');
      let looks = 0;
      const clock = { ...systemClock, now: () => times[looks++ % times.length] as number };
      const backoff = { initialDelayMs: 1, maxDelayMs: 2 };
      // Patient, also while the breaker is open: what is answered late counts as unknown, and proves nothing of its place.
      const persistence = { maxBatch, backoff, openBackoff: backoff, deadlineMs: 60_000, openDeadlineMs: 60_000 };
      const indelible = new Indelible(faulty, { clock, persistence });
      const plans = await perform(execution, { log: indelible });
      await indelible.persistence.close();
      for (const [planId, written] of plans) {
        const rows = await readPlan(reader, planId);
        expect(await indelible.persistence.getMessagesForPlan(planId)).toEqual(rows);
        // What loops of calls wrote stands in the order of the calls, whichever agent made them.
        const called = written.filter(({ way }) => way !== undefined);
        const callers = new Set(called.map(({ agentName }) => agentName));
        expectSame(
          rows.filter(({ agentName }) => callers.has(agentName)),
          called.filter(({ stored }) => stored),
        );
        // When a graph hands over what its node returned is its own affair, and it is not told what was refused.
        for (const [graph, returned] of Map.groupBy(written, ({ agentName }) => agentName)) {
          if (callers.has(graph)) continue;
          let place = -1;
          for (const row of rows.filter(({ agentName }) => agentName === graph)) {
            place = returned.findIndex((one, index) => index > place && says(row, one));
            expect(place, `${row.content} of ${graph} stands out of its order`).toBeGreaterThanOrEqual(0);
          }
        }
      }
    },
  );
});

function expectSame(rows: readonly AgentMessage[], written: readonly Written[]): void {
  expect(rows.map(({ content }) => content)).toEqual(written.map(({ said }) => said.content));
  expect(rows.filter((row, index) => !says(row, written[index] as Written))).toEqual([]);
}
