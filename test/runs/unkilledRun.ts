import { storesUnderTest } from '../storesUnderTest.ts';
import { killedRuns } from './killedRuns.ts';

/** What a run says that nobody kills. */
export async function unkilledRun(): Promise<readonly string[]> {
  const database = await storesUnderTest[0]!.create();
  try {
    const { ends } = await killedRuns({ database, runs: 1, kills: 0, seed: 1, stepMs: 1 });
    return ends[0]!.said;
  } finally {
    await database.drop();
  }
}
