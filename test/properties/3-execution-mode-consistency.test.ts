import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import type { AgentMessage } from '../../src/protocol/message.ts';
import { systemClock } from '../../src/resilience/clock.ts';
import { Runner } from '../../src/runs/runner.ts';
import { storesUnderTest } from '../storesUnderTest.ts';
import { type AgentScript, anyExecution } from './execution.ts';
import { performPlan } from './performing.ts';
import { property } from './property.ts';
import { readPlan } from './reading.ts';
import { Scene, scriptedTeam } from './scene.ts';
import { Audience, anySockets } from './watching.ts';

/** Time stands still, so that timestamps are equal too. */
const clock = { ...systemClock, now: () => Date.UTC(2026, 0, 1) };
let tasks = 0;

describe.each(storesUnderTest)('on $name', (store) => {
  let scene: Scene;
  let alone: Indelible;
  beforeAll(async () => {
    scene = await Scene.open(store, { clock, limits: { maxWaitingBytes: 10_000 } });
    alone = new Indelible(await scene.database.open(), { clock });
  });
  afterAll(async () => {
    await alone.persistence.close();
    await scene.close();
  });

  property(
    'Feature: fix-message-persistence-without-websocket, Property 3: Execution Mode Consistency: for any task run in ' +
      'both modes, the database contains identical message sets. (1.4, 3.4, 4.5)',
    [anyExecution({ maxPlans: 1 }), anySockets(1)],
    async ({ plans: [plan] }, [sockets = []]) => {
      const agents = plan?.agents ?? [];
      const description = `task ${++tasks}`;
      const { indelible, server, reader } = scene;

      // With a server, and sockets that come and go.
      let audience: Audience | undefined;
      scene.tasks.set(description, async ({ planId }) => {
        const watching = new Audience(server.url, planId, sockets);
        audience = watching;
        await watching.arrive();
        const beforeStep = (_planId: string, step: number) => watching.beforeStep(step);
        await performPlan(planId, agents, { log: indelible, manager: () => server.sockets, beforeStep });
      });
      const { plan: watched, ended } = await scene.runner.start({ description });
      expect(await ended).toBe('completed');
      await audience?.leave();

      // Without anything that could listen.
      const task = ({ planId }: { planId: string }) => performPlan(planId, agents, { log: alone });
      const runner = new Runner(alone, [scriptedTeam(new Map([[description, task]]))]);
      const { plan: unwatched, ended: over } = await runner.start({ description });
      expect(await over).toBe('completed');
      await runner.close();

      const givenIds = idsIn(agents);
      const [one, other] = await Promise.all(
        [watched, unwatched].map(async ({ planId }) =>
          (await readPlan(reader, planId)).map((row) => comparable(row, givenIds)),
        ),
      );
      // Agents write at the same time: what is one after the other is what each wrote.
      expect(byAgent(other ?? [])).toEqual(byAgent(one ?? []));
      expect(other).toHaveLength(one?.length ?? 0);
    },
  );
});

function idsIn(agents: readonly AgentScript[]): ReadonlySet<string> {
  const messages = agents.flatMap(({ steps }) => steps.flatMap((step) => step.messages));
  return new Set(messages.flatMap(({ messageId }) => messageId ?? []));
}

/** All of the message but its place among those of other agents, its plan, and an id that was made for it. */
function comparable(
  { planId: _, sequence: _sequence, messageId, ...row }: AgentMessage,
  givenIds: ReadonlySet<string>,
) {
  return { ...row, messageId: givenIds.has(messageId) ? messageId : 'made' };
}

function byAgent<R extends { agentName: string }>(rows: readonly R[]): Map<string, R[]> {
  const names = [...new Set(rows.map(({ agentName }) => agentName))].sort();
  return new Map(names.map((name) => [name, rows.filter(({ agentName }) => agentName === name)]));
}
