import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, storesUnderTest } from '../storesUnderTest.ts';
import { killMidAnswer, lossesOf, recoverFrom } from './killedMidAnswer.ts';

describe.each(storesUnderTest)(
  '5.3: an agent killed with SIGKILL in the middle of an answer, on $name',
  {
    timeout: 60_000,
  },
  ({ create }) => {
    let database: Database;
    beforeEach(async () => {
      database = await create();
    });
    afterEach(() => database.drop());

    it.each([1, 2, 3])(
      'leaves the text it had written, as a message that is marked interrupted (%i)',
      async (round) => {
        const killed = await killMidAnswer(database.address, { writes: round, afterMs: round * 73 });
        const store = await database.open();
        expect(killed.acknowledged).toBeGreaterThan(0);
        expect(lossesOf(killed, await recoverFrom(store))).toEqual([]);
        expect(await store.drafts.abandoned('9', 10)).toEqual([]);
      },
    );
  },
);

it('control: without writes in between, nothing of it is left', { timeout: 60_000 }, async () => {
  const database = await storesUnderTest[0]!.create();
  try {
    const killed = await killMidAnswer(database.address, { mode: 'control', writes: 0, afterMs: 0 });
    expect(killed.streamed.length).toBeGreaterThan(1_000);
    expect(lossesOf(killed, await recoverFrom(await database.open()))).toEqual(['there are 0 messages instead of one']);
  } finally {
    await database.drop();
  }
});
