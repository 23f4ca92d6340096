import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import type { AgentMessage } from '../../src/protocol/message.ts';
import type { Store } from '../../src/store/store.ts';
import { type Database, storesUnderTest } from '../storesUnderTest.ts';
import { anyExecution } from './execution.ts';
import { perform, type Written } from './performing.ts';
import { property } from './property.ts';
import { differences, readPlan, says } from './reading.ts';

describe.each(storesUnderTest)('on $name', ({ create }) => {
  let database: Database;
  let indelible: Indelible;
  let reader: Store;
  beforeAll(async () => {
    database = await create();
    indelible = new Indelible(await database.open());
    reader = await database.open();
  });
  afterAll(async () => {
    await indelible.close();
    await database.drop();
  });

  property(
    'Feature: fix-message-persistence-without-websocket, Property 2: Immediate Message Persistence: for any message ' +
      'generated, it is available in the database immediately after generation. (1.3)',
    [anyExecution()],
    async (execution) => {
      const answered: Written[] = [];
      let looks = 0;
      // The agent goes on when this is done: what another connection reads now is what a reader of that moment sees.
      const look = async (written: Written): Promise<void> => {
        expect(written.stored).toBe(true);
        answered.push(written);
        looks++;
        const sofar = answered.filter(({ planId }) => planId === written.planId);
        const rows = await readPlan(reader, written.planId);
        expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, index) => index + 1));
        expect(differences(rows, sofar).missing).toEqual([]);
        const place = placeOf(written);
        if (place !== undefined) expect(says(rows[place - 1] as AgentMessage, written)).toBe(true);
      };
      const plans = await perform(execution, { log: indelible, answered: look });
      expect(looks).toBe([...plans.values()].flat().length);
    },
  );
});

/** The place it was told, where the call tells it. */
function placeOf({ result }: Written): number | undefined {
  return result?.message && 'sequence' in result.message ? result.message.sequence : undefined;
}
