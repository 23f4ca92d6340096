import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import { Runner } from '../../src/runs/runner.ts';
import type { Store } from '../../src/store/store.ts';
import { type Fault, withFaults } from '../../src/testing/index.ts';
import { type Database, storesUnderTest } from '../storesUnderTest.ts';
import { anyExecution } from './execution.ts';
import { hurriedClock } from './hurriedClock.ts';
import { hangsEnd } from './outage.ts';
import { performPlan, type Written } from './performing.ts';
import { property } from './property.ts';
import { differences, readPlan } from './reading.ts';
import { finalResult, scriptedTeam } from './scene.ts';

const anyOutage = fc.array(
  fc.constantFrom<Fault>('none', 'unavailable', 'answer_lost', 'hang', 'hang', 'answer_hangs'),
  {
    maxLength: 12,
    size: 'max',
  },
);

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
    'Execution resilience, error recovery: a run goes to its end through every outage, and whoever reads at any moment ' +
      'that it has ended reads all of it, its last message last. (5.1, 5.2, 5.3)',
    [anyExecution({ maxPlans: 1, maxAgents: 2, maxSteps: 3 }), anyOutage, fc.boolean()],
    async ({ plans: [plan] }, outage, onlyOfAppends) => {
      const { store: faulty, faults } = withFaults(store);
      let written: readonly Written[] = [];
      const times = 200;
      const indelible = new Indelible(faulty, { clock: hurriedClock(times) });
      const task = async ({ planId }: { planId: string }) => {
        written = await performPlan(planId, plan?.agents ?? [], { log: indelible });
      };
      // The database does not hurry: an owner is buried after as long as always.
      const patience = { beatMs: 2_000 * times, buryAfterMs: 10_000 * times };
      const runner = new Runner(indelible, [scriptedTeam(new Map([['the task', task]]))], patience);
      const { plan: started, ended } = await runner.start({ description: 'the task' });

      let calls = 0;
      const endHanging = hangsEnd(faults, ({ name }) =>
        onlyOfAppends && name !== 'append' ? 'none' : (outage[calls++] ?? 'none'),
      );

      let isOver = false;
      const over = ended.then((status) => {
        isOver = true;
        return status;
      });
      do {
        const plan = await reader.plans.find(started.planId);
        if (plan?.status === 'completed') {
          const rows = await readPlan(reader, started.planId);
          expect(rows.at(-1)).toMatchObject({ type: 'final_result_message', content: finalResult.content });
          expect(differences(rows.slice(0, -1), written)).toEqual({ missing: [], extra: [] });
        }
        await new Promise((resolve) => setTimeout(resolve, 1));
      } while (!isOver);
      expect(await over).toBe('completed');
      expect((await reader.plans.find(started.planId))?.status).toBe('completed');
      await runner.close();
      await indelible.persistence.close(6_000_000);
      endHanging();
    },
  );
});
