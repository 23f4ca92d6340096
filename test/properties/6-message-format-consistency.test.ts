import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { storesUnderTest } from '../storesUnderTest.ts';
import { anyExecution } from './execution.ts';
import { freshPlanId, performPlan } from './performing.ts';
import { property } from './property.ts';
import { differences, readPlan } from './reading.ts';
import { Scene } from './scene.ts';
import { type Frame, rowOf, WatchingClient } from './watchingClient.ts';

describe.each(storesUnderTest)('on $name', (store) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await Scene.open(store);
  });
  afterAll(() => scene.close());

  property(
    'Feature: fix-message-persistence-without-websocket, Property 6: Message Format Consistency: for any message, the ' +
      'structure is identical from the database and over WebSocket. (2.4, 4.4)',
    [anyExecution({ maxPlans: 1 })],
    async ({ plans: [plan] }) => {
      const { indelible, server, reader } = scene;
      const planId = freshPlanId(plan?.label);
      const live = await WatchingClient.connect(server.url, planId, `${planId} 1`);
      const written = await performPlan(planId, plan?.agents ?? [], { log: indelible, manager: () => server.sockets });
      const stored = await readPlan(reader, planId);
      await live.until(() => live.head >= stored.length);
      const late = await WatchingClient.connect(server.url, planId, `${planId} 2`);
      await late.until(() => late.head >= stored.length);
      const rows = written.length === 0 ? [] : (await scene.getPlan(planId)).messages;

      expect(differences(stored, written)).toEqual({ missing: [], extra: [] });
      expect(rows).toHaveLength(stored.length);
      expect(live.messages).toHaveLength(stored.length);
      live.messages.forEach((frame, index) => {
        const row = rows[index] as (typeof rows)[0];
        // The same members with the same values in the same order, one level down and two levels down.
        expectIdentical(sharedWith(row, rowOf(frame)), row);
        expectIdentical(sharedWith(row, frame.data.data), row);
        expectIdentical(Object.keys(frame.data.data), Object.keys(rowOf(frame)));
        // The frame says of itself what its message says.
        expectIdentical([frame.type, frame.timestamp, frame.message_id], [row.type, row.timestamp, row.message_id]);
        // And so does the library, in its own spelling.
        const {
          planId: plan_id,
          messageId: message_id,
          agentName: agent_name,
          agentType: agent_type,
          ...rest
        } = stored[index] as (typeof stored)[0];
        const { sequence, version, type, content, timestamp, metadata } = rest;
        const spelled = {
          sequence,
          version,
          agent: agent_name,
          steps: [],
          next_steps: [],
          raw_data: '',
          timestamp,
          type,
          agent_name,
          message_id,
          plan_id,
          agent_type,
          content,
          metadata,
        };
        expectIdentical(spelled, row);
      });
      // Replayed it is what it was live, byte for byte.
      const { messages } = late;
      expectIdentical(messages.map(textOf), live.messages.slice(live.messages.length - messages.length).map(textOf));
      await Promise.all([live.close(), late.close()]);
    },
  );
});

const textOf = ({ text }: Frame): string => text;

/** The members of `payload` that a row has, in the order in which the payload has them. */
function sharedWith(row: object, payload: object): object {
  return Object.fromEntries(Object.entries(payload).filter(([key]) => Object.hasOwn(row, key)));
}

/** Equal in every value, -0 and own `__proto__` members included, and in the order of the members. */
function expectIdentical(one: unknown, other: unknown): void {
  if (isDeepStrictEqual(one, other) && JSON.stringify(one) === JSON.stringify(other)) return;
  expect(one).toEqual(other);
  expect(JSON.stringify(one)).toBe(JSON.stringify(other));
  expect.fail('the values differ');
}
