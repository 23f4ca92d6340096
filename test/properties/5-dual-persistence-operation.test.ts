import { afterAll, beforeAll, describe, expect } from 'vitest';
import { storesUnderTest } from '../storesUnderTest.ts';
import { anyExecution } from './execution.ts';
import { freshPlanId, performPlan, type Written } from './performing.ts';
import { property } from './property.ts';
import { differences, readPlan } from './reading.ts';
import { Scene } from './scene.ts';
import { Audience, anySockets } from './watching.ts';
import type { Frame } from './watchingClient.ts';

describe.each(storesUnderTest)('on $name', (store) => {
  let scene: Scene;
  beforeAll(async () => {
    // Nobody who reads is ever too slow for this.
    scene = await Scene.open(store, { limits: { maxWaitingBytes: 256 * 1024 * 1024 } });
  });
  afterAll(() => scene.close());

  property(
    'Feature: fix-message-persistence-without-websocket, Property 5: Dual Persistence Operation: for any execution with ' +
      'active WebSockets, messages are both saved and broadcast. (2.2)',
    [anyExecution(), anySockets()],
    async (execution, sockets) => {
      const { indelible, server, reader } = scene;
      const performed = execution.plans.map(async ({ label, agents }, index) => {
        const planId = freshPlanId(label);
        const shownTooEarly: Frame[] = [];
        const audience = new Audience(server.url, planId, sockets[index] ?? [], async (frame) => {
          // Store, then show: when a frame is there, another connection reads its message.
          const found = await reader.log.find(planId, frame.data.message_id);
          if (found?.sequence !== frame.data.sequence) shownTooEarly.push(frame);
        });
        await audience.arrive();
        const written = await performPlan(planId, agents, {
          log: indelible,
          manager: () => server.sockets,
          beforeStep: (_planId, step) => audience.beforeStep(step),
        });
        const rows = await readPlan(reader, planId);
        expect(differences(rows, written)).toEqual({ missing: [], extra: [] });
        await audience.caughtUp(rows.length);
        expect(audience.violations(rows)).toEqual([]);
        expect(shownTooEarly).toEqual([]);
        expect(written.flatMap((one) => wronglyTold(one, audience))).toEqual([]);
        if (audience.clients.some(({ isOpen }) => isOpen)) expect(await isToldOfSockets(scene, planId)).toBe(true);
        await audience.leave();
      });
      await Promise.all(performed);
    },
  );
});

/** What `persistMessage` answered and is not so. */
function wronglyTold({ result }: Written, audience: Audience): unknown[] {
  if (!result || !('databaseSaved' in result)) return [];
  const { databaseSaved, websocketSent, errors, retryNeeded, message } = result;
  const isWrong =
    !databaseSaved ||
    errors.length > 0 ||
    retryNeeded ||
    message?.sentViaWebsocket !== websocketSent ||
    (audience.clients.length === 0 && websocketSent);
  return isWrong ? [result] : [];
}

/** Whether, now that all is quiet, the agent is told that its message was sent; a socket may still be reading the log. */
async function isToldOfSockets({ indelible, server }: Scene, planId: string): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    const message = { planId, agentName: 'agent', content: 'is anybody there?' };
    const { websocketSent } = await indelible.persistMessage(message, server.sockets);
    if (websocketSent) return true;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return false;
}
