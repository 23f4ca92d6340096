import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import { type RunningServer, startServer } from '../../src/server/startServer.ts';
import { storesUnderTest } from '../storesUnderTest.ts';
import { anyExecution } from './execution.ts';
import { freshPlanId, performPlan, type Written } from './performing.ts';
import { property } from './property.ts';
import { differences, readPlan } from './reading.ts';
import { Scene } from './scene.ts';
import { Audience, anySockets } from './watching.ts';
import type { Frame } from './watchingClient.ts';

const rarely = fc.integer({ min: 1, max: 8 }).map((number) => number === 8);

describe.each(storesUnderTest)('on $name', (store) => {
  let scene: Scene;
  let tight: RunningServer;
  let elsewhere: Indelible;
  beforeAll(async () => {
    // For one server nobody who reads is ever too slow, for the other nearly everybody is.
    scene = await Scene.open(store, { limits: { maxWaitingBytes: 256 * 1024 * 1024 } });
    const { indelible, runner } = scene;
    tight = await startServer({ indelible, runner, port: 0, limits: { maxWaitingBytes: 2_000 } });
    elsewhere = new Indelible(await scene.database.open());
  });
  afterAll(async () => {
    await tight.close();
    await elsewhere.persistence.close();
    await scene.close();
  });

  property(
    'Feature: fix-message-persistence-without-websocket, Property 5: Dual Persistence Operation: for any execution with ' +
      'active WebSockets, messages are both saved and broadcast. (2.2)',
    [anyExecution(), anySockets(), fc.boolean(), rarely],
    async (execution, sockets, isTight, isElsewhere) => {
      const { reader } = scene;
      const server = isTight ? tight : scene.server;
      // The server finds what another process has saved by looking; what it is handed in between must not confuse it.
      const log = isElsewhere ? elsewhere : scene.indelible;
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
          log,
          manager: () => server.sockets,
          beforeStep: (_planId, step) => audience.beforeStep(step),
        });
        const rows = await readPlan(reader, planId);
        expect(differences(rows, written)).toEqual({ missing: [], extra: [] });
        await audience.caughtUp(rows.length);
        expect(audience.violations(rows)).toEqual([]);
        expect(shownTooEarly).toEqual([]);
        expect(written.flatMap((one) => wronglyTold(one, audience))).toEqual([]);
        if (audience.clients.some(({ isOpen }) => isOpen))
          expect(await isToldOfSockets(log, server, planId)).toBe(true);
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
async function isToldOfSockets(log: Indelible, { sockets }: RunningServer, planId: string): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    const message = { planId, agentName: 'agent', content: 'is anybody there?' };
    const { websocketSent } = await log.persistMessage(message, sockets);
    if (websocketSent) return true;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return false;
}
