import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import type { Store } from '../../src/store/store.ts';
import { type Fault, withFaults } from '../../src/testing/index.ts';
import { type Database, storesUnderTest } from '../storesUnderTest.ts';
import { anyExecution } from './execution.ts';
import { hurriedClock } from './hurriedClock.ts';
import { anyManager, manager } from './managers.ts';
import { perform } from './performing.ts';
import { property } from './property.ts';

const anyFault = fc.constantFrom<Fault>('none', 'unavailable', 'refused', 'answer_lost', 'hang', 'answer_hangs');

describe.each(storesUnderTest)('on $name', ({ create }) => {
  let database: Database;
  let store: Store;
  beforeAll(async () => {
    database = await create();
    store = await database.open();
  });
  afterAll(() => database.drop());

  property(
    'Execution resilience: whatever the database, the sockets and those who observe do, each agent takes all its steps ' +
      'and each save is answered. (2.5, 5.1, 5.4)',
    [
      anyExecution(),
      fc.array(anyFault, { maxLength: 6 }),
      fc.oneof(fc.constant<Fault>('none'), anyFault),
      anyManager,
      fc.integer({ min: 1, max: 30 }),
    ],
    async (execution, first, atLast, kind, maxQueuedMessages) => {
      const { store: faulty, faults } = withFaults(store);
      let calls = 0;
      faults.script = () => first[calls++] ?? atLast;
      const indelible = new Indelible(faulty, {
        clock: hurriedClock(200),
        persistence: { maxQueuedMessages },
        observe: () => {
          throw new Error('the observer throws');
        },
      });
      const plans = await perform(execution, { log: indelible, manager: () => manager(kind) });
      const written = [...plans.values()].flat();
      const planned = execution.plans.flatMap(({ agents }) =>
        agents.flatMap(({ steps }) => steps.flatMap(({ messages }) => messages)),
      );
      expect(written).toHaveLength(planned.length);
      expect(written.filter(({ stored }) => stored === undefined)).toEqual([]);
      faults.heal();
      await indelible.persistence.close();
    },
  );
});
