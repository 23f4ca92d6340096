import { fc, test } from '@fast-check/vitest';
import { openSqliteStore } from 'indelible/sqlite';
import { type Fault, History, withFaults } from 'indelible/testing';
import { describe, expect } from 'vitest';
import { MessagePersistenceService } from '../../src/persistence/messagePersistenceService.ts';

const anyStep = fc.record({
  planId: fc.constantFrom('p1', 'p2'),
  /** The producer waits for the answer before it goes on. */
  waits: fc.boolean(),
  /** The database refuses this message. */
  poisoned: oneIn(12),
  /** Saves the message before this one again, as who was not sure of it would. */
  again: oneIn(6),
});
const anyFate = fc.constantFrom<Fault>('none', 'none', 'unavailable', 'answer_lost', 'refused');

describe('under random schedules of random faults', () => {
  test.prop(
    [
      fc.scheduler(),
      fc.array(fc.array(anyStep, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 5 }),
      fc.array(anyFate, { maxLength: 30 }),
      fc.integer({ min: 1, max: 6 }),
    ],
    { numRuns: 300 },
  )(
    'P4, P5, P6: what two services acknowledge is stored, once and in the order of each agent',
    async (scheduler, agents, fates, maxBatch) => {
      const sqlite = openSqliteStore(':memory:');
      const { store, faults } = withFaults(sqlite);
      const nextFate = fates.values();
      faults.script = ({ messages }) =>
        scheduler.schedule(Promise.resolve(nextFate.next().value ?? 'none'), `append ${messages.length}`);
      // Saves are answered when they are decided, also while the breaker is open.
      const backoff = { initialDelayMs: 1, maxDelayMs: 2 };
      const patience = { deadlineMs: 60_000, openDeadlineMs: 60_000, attemptMs: 60_000 };
      const options = { maxBatch, backoff, openBackoff: backoff, ...patience };
      const services = [0, 1].map(() => new MessagePersistenceService({ log: store.log, ...options }));
      const history = new History({ oneClock: true });

      const act = async (agent: string, service: MessagePersistenceService, steps: (typeof agents)[number]) => {
        const answers: Promise<void>[] = [];
        for (const [index, { waits, again }] of steps.entries()) {
          const place = again && index > 0 ? index - 1 : index;
          const { planId, poisoned } = steps[place] as (typeof steps)[number];
          const message = { planId, messageId: `${agent}-${place}`, agentName: agent, content: `${place}` };
          if (poisoned) faults.poison(message.messageId);
          await scheduler.schedule(Promise.resolve(), `${agent} saves ${place}`);
          const submission = history.submit(agent, message);
          const answer = service.save(message).then((result) => submission.settle(result));
          if (waits) await answer;
          answers.push(answer);
        }
        await Promise.all(answers);
      };
      const acting = agents.map((steps, index) => {
        return act(`agent${index}`, services[index % 2] as MessagePersistenceService, steps);
      });
      await scheduler.waitFor(Promise.all(acting));

      expect(services.map(({ queued }) => queued)).toEqual([0, 0]);
      faults.heal();
      await history.verify(store.log);
      await Promise.all(services.map((service) => service.close()));
      await sqlite.close();
    },
  );
});

function oneIn(count: number): fc.Arbitrary<boolean> {
  return fc.nat(count - 1).map((one) => one === 0);
}
