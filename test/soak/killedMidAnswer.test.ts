import { describe, expect, it } from 'vitest';
import { killMidAnswer, lossesOf, recoverFrom } from '../agents/killedMidAnswer.ts';
import { storesUnderTest } from '../storesUnderTest.ts';

describe.each(storesUnderTest)('5.3: agents killed with SIGKILL in the middle of an answer, on $name', ({ create }) => {
  it('leave, each of 50, the text they had written', { timeout: 900_000 }, async () => {
    for (let round = 0; round < 50; round++) {
      const database = await create();
      try {
        const moment = { writes: 1 + (round % 5), afterMs: Math.random() * 500 };
        const killed = await killMidAnswer(database.address, moment);
        const losses = lossesOf(killed, await recoverFrom(await database.open()));
        expect(losses, `round ${round}, killed ${moment.afterMs} ms after write ${moment.writes}`).toEqual([]);
      } finally {
        await database.drop();
      }
    }
  });
});
