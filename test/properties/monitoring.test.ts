import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import type { Store } from '../../src/store/store.ts';
import { type Fault, withFaults } from '../../src/testing/index.ts';
import { type Database, storesUnderTest } from '../storesUnderTest.ts';
import { anyExecution } from './execution.ts';
import { hurriedClock } from './hurriedClock.ts';
import { anyManager, manager } from './managers.ts';
import { freshPlanId, perform } from './performing.ts';
import { property } from './property.ts';

const anyFaults = fc.array(fc.constantFrom<Fault>('none', 'unavailable', 'refused'), { maxLength: 8 });
/** Saves that can only be refused. */
const anyBadInput = fc.constantFrom<object>(
  { content: 1 },
  { content: 'x', agentName: '' },
  { content: 'x', metadata: { when: Number.NaN } },
  { content: 'x', timestamp: 'yesterday' },
  { content: 'x', messageId: 'a/b' },
);

describe.each(storesUnderTest)('on $name', ({ create }) => {
  let database: Database;
  let store: Store;
  beforeAll(async () => {
    database = await create();
    store = await database.open();
  });
  afterAll(() => database.drop());

  property(
    'Monitoring: the counts of stored, repeated, refused and late messages, of retries and of failed broadcasts are ' +
      'what those who saved were told, and the rates follow from them. (5.5)',
    [
      anyExecution({ graphs: false, allNamed: true }),
      anyFaults,
      anyManager,
      fc.array(anyBadInput, { maxLength: 4 }),
      fc.boolean(),
    ],
    async (execution, faultsToCome, kind, bad, twice) => {
      const { store: faulty, faults } = withFaults(store);
      let calls = 0;
      let retries = 0;
      faults.script = ({ name }) => {
        const fault = name === 'append' ? (faultsToCome[calls++] ?? 'none') : 'none';
        if (fault === 'unavailable') retries++;
        return fault;
      };
      // Patient, so that what is counted as late or tried again is so because of the faults, not of a slow machine.
      const persistence = { deadlineMs: 1e6, openDeadlineMs: 1e6, attemptMs: 1e6 };
      const indelible = new Indelible(faulty, { clock: hurriedClock(50), persistence });
      const plans = await perform(execution, { log: indelible, manager: () => manager(kind) });
      const written = [...plans.values()].flat();
      const stored = written.filter((one) => one.stored);
      let refused = written.length - stored.length;
      for (const input of bad) {
        const given = { planId: freshPlanId(), agentName: 'agent', ...input } as Parameters<Indelible['save']>[0];
        expect((await indelible.save(given)).status).toBe('refused');
        refused++;
      }
      let duplicates = 0;
      if (twice) {
        for (const { planId, agentName, said, messageId } of stored) {
          if (messageId === undefined) continue;
          const { status } = await indelible.save({ planId, agentName, ...said, messageId });
          if (status === 'stored') duplicates++;
          else refused++;
        }
      }
      const done = stored.length + duplicates + refused;
      const broadcastFailures = written.filter(
        ({ result }) => result && 'databaseSaved' in result && result.databaseSaved && result.errors.length > 0,
      );
      expect(indelible.persistence.statistics()).toEqual({
        stored: stored.length,
        duplicates,
        spooled: 0,
        drained: 0,
        setAside: 0,
        refused,
        late: 0,
        retries,
        broadcastFailures: broadcastFailures.length,
        successRate: done === 0 ? 1 : 1 - refused / done,
        failureRate: done === 0 ? 0 : refused / done,
      });
      await indelible.persistence.close();
    },
  );
});
