import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import type { Store } from '../../src/store/store.ts';
import { type Database, storesUnderTest } from '../storesUnderTest.ts';
import { anyExecution } from './execution.ts';
import { perform } from './performing.ts';
import { property } from './property.ts';
import { differences, readPlan } from './reading.ts';

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
    'Feature: fix-message-persistence-without-websocket, Property 1: Universal Message Persistence: for any agent ' +
      'execution that generates messages, all of them are saved regardless of WebSocket status. (1.1, 1.2, 2.1, 3.1)',
    [anyExecution()],
    async (execution) => {
      const plans = await perform(execution, { log: indelible });
      for (const [planId, written] of plans) {
        const rows = await readPlan(reader, planId);
        expect(differences(rows, written)).toEqual({ missing: [], extra: [] });
        expect(written.filter(({ stored }) => !stored)).toEqual([]);
        expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, index) => index + 1));
      }
    },
  );
});
void fc;
