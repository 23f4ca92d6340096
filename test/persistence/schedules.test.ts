import { fc, test } from '@fast-check/vitest';
import { openSqliteStore } from 'indelible/sqlite';
import { type Fault, History, withFaults } from 'indelible/testing';
import { describe, expect } from 'vitest';
import { MessagePersistenceService } from '../../src/persistence/messagePersistenceService.ts';

/**
 * Random schedules of random faults: fast-check decides when each producer goes on, when each call of the database is
 * let through, and what becomes of it. The oracle decides whether the promises held.
 */
const faults: Fault[] = ['none', 'unavailable', 'answer_lost', 'refused'];

const anyProducer = fc.array(
  fc.record({
    plan: fc.constantFrom('p1', 'p2'),
    /** The producer waits for the answer before it goes on. */
    waits: fc.boolean(),
    poisoned: fc.boolean().map((often) => often && Math.random() < 0),
    /** Saves the message before this one again. */
    again: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
  }),
  { minLength: 1, maxLength: 8 },
);

describe('under random schedules of faults', () => {
  test.prop([
    fc.scheduler(),
    fc.array(anyProducer, { minLength: 1, maxLength: 4 }),
    fc.array(fc.constantFrom(...faults), { maxLength: 25 }),
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 0, max: 40 }),
  ])('what was acknowledged is stored, once, in order', async (scheduler, producers, fate, maxBatch, closeAfter) => {
    const sqlite = openSqliteStore(':memory:');
    const { store, faults: injected } = withFaults(sqlite);
    const fates = fate.values();
    injected.script = async ({ name, messages }) => {
      if (name !== 'append') return 'none';
      const next = await scheduler.schedule(Promise.resolve(fates.next().value ?? 'none'), `append ${messages.length}`);
      // Refusing many would only be halved: poison is one message.
      return next === 'refused' && messages.length > 1 ? 'none' : next;
    };
    const service = new MessagePersistenceService({
      log: store.log,
      maxBatch,
      deadlineMs: 60_000,
      backoff: { initialDelayMs: 1, maxDelayMs: 2 },
    });
    const history = new History({ oneClock: true });
    let saves = 0;
    const produce = async (producer: string, steps: (typeof producers)[number]) => {
      const answers: Promise<unknown>[] = [];
      for (const [index, step] of steps.entries()) {
        await scheduler.schedule(Promise.resolve(), `${producer} saves ${index}`);
        if (saves++ === closeAfter) answers.push(service.close());
        const place = step.again ? Math.max(0, index - 1) : index;
        const planId = steps[place]?.plan ?? 'p1';
        const message = { planId, messageId: `${producer}-${place}`, agentName: producer, content: `${place}` };
        const submission = history.submit(producer, message);
        const answer = service.save(message).then((result) => submission.settle(result));
        if (step.waits) await answer;
        answers.push(answer);
      }
      await Promise.all(answers);
    };
    await scheduler.waitFor(Promise.all(producers.map((steps, index) => produce(`agent${index}`, steps))));
    expect(service.queued).toBe(0);
    await history.verify(sqlite.log);
    await service.close();
    await sqlite.close();
  });
});
