import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import { readRow } from '../../src/testing/index.ts';
import { storesUnderTest } from '../storesUnderTest.ts';
import { anyExecution } from './execution.ts';
import { freshPlanId, performPlan, type Written } from './performing.ts';
import { property } from './property.ts';
import { differences } from './reading.ts';
import { Scene } from './scene.ts';

/** How many messages a plan has besides; also just around where pages of it may end. */
const anyCount = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(249, 250, 251, 999, 1_000, 1_001, 1_023, 1_024, 1_025, 2_000, 2_500) },
);

describe.each(storesUnderTest)('on $name', (store) => {
  let scene: Scene;
  let elsewhere: Indelible;
  beforeAll(async () => {
    scene = await Scene.open(store);
    elsewhere = new Indelible(await scene.database.open());
  });
  afterAll(async () => {
    await elsewhere.persistence.close();
    await scene.close();
  });

  property(
    'Feature: fix-message-persistence-without-websocket, Property 7: Complete Message Retrieval: for any plan with saved ' +
      'messages, `GET /api/v3/plan` returns all of them. (3.3)',
    [anyExecution({ maxPlans: 1 }), anyCount, fc.boolean(), fc.array(fc.nat({ max: 12 }), { maxLength: 4 })],
    async ({ plans: [plan] }, count, isElsewhere, looksAt) => {
      // Saved by the server's process, or by another one that shares nothing with it but the database.
      const log = isElsewhere ? elsewhere : scene.indelible;
      const planId = freshPlanId(plan?.label);
      const answered: Written[] = [];
      const many = Array.from({ length: count }, (_, index) => ({ planId, agentName: 'many', content: `${index}` }));
      const saved = await log.persistence.saveMessagesBatch(many);
      expect(saved.filter((isSaved) => !isSaved)).toEqual([]);

      // Whoever asks in the middle gets all that was saved by then, and a beginning of the whole.
      const look = async (): Promise<void> => {
        const before = [...answered];
        if (count + before.length === 0) return;
        const { messages } = await scene.getPlan(planId);
        expect(messages.map(({ sequence }) => sequence)).toEqual(messages.map((_, index) => index + 1));
        expect(differences(messages.slice(count).map(readRow), before).missing).toEqual([]);
      };
      const looks: Promise<void>[] = [];
      const written = await performPlan(planId, plan?.agents ?? [], {
        log,
        answered: (one) => void answered.push(one),
        beforeStep: (_planId, step) => void (looksAt.includes(step) && looks.push(look())),
      });
      await Promise.all(looks);
      if (count + written.length === 0) return;

      const { messages, plan: answer } = await scene.getPlan(planId);
      expect(answer.plan_id).toBe(planId);
      expect(messages.slice(0, count).map(({ content }) => content)).toEqual(many.map(({ content }) => content));
      expect(differences(messages.slice(count).map(readRow), written)).toEqual({ missing: [], extra: [] });
      expect(messages.map(({ sequence }) => sequence)).toEqual(messages.map((_, index) => index + 1));
    },
  );
});
