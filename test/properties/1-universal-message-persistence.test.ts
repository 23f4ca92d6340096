import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { DualPersistenceManager } from '../../src/persistence/dualPersistenceManager.ts';
import { storesUnderTest } from '../storesUnderTest.ts';
import { anyExecution } from './execution.ts';
import { anyManager, manager } from './managers.ts';
import { freshPlanId, performPlan } from './performing.ts';
import { property } from './property.ts';
import { differences, readPlan } from './reading.ts';
import { Scene } from './scene.ts';
import { Audience, anySockets } from './watching.ts';

describe.each(storesUnderTest)('on $name', (store) => {
  let scene: Scene;
  beforeAll(async () => {
    // Little waits for a slow reader here, so that there are some.
    scene = await Scene.open(store, { limits: { maxWaitingBytes: 10_000 } });
  });
  afterAll(() => scene.close());

  property(
    'Feature: fix-message-persistence-without-websocket, Property 1: Universal Message Persistence: for any agent ' +
      'execution that generates messages, all of them are saved regardless of WebSocket status. (1.1, 1.2, 2.1, 3.1)',
    [anyExecution(), anySockets(), fc.option(anyManager)],
    async (execution, sockets, broken) => {
      const { indelible, server, reader } = scene;
      const { persistence, live } = indelible;
      const dual = new DualPersistenceManager(persistence, { broadcastDeadlineMs: 5 });
      const log: Parameters<typeof performPlan>[2]['log'] = {
        persistence,
        live,
        save: (message) => indelible.save(message),
        persistMessage: (message, given) => dual.persistMessage(message, given),
      };
      const performed = execution.plans.map(async ({ label, agents }, index) => {
        const planId = freshPlanId(label);
        const audience = new Audience(server.url, planId, sockets[index] ?? []);
        await audience.arrive();
        const written = await performPlan(planId, agents, {
          log,
          manager: () => (broken === null ? server.sockets : manager(broken)),
          beforeStep: (_planId, step) => audience.beforeStep(step),
        });
        const rows = await readPlan(reader, planId);
        expect(differences(rows, written)).toEqual({ missing: [], extra: [] });
        expect(written.filter(({ stored }) => !stored)).toEqual([]);
        expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, place) => place + 1));
        await audience.leave();
      });
      await Promise.all(performed);
    },
  );
});
