import { randomUUID } from 'node:crypto';
import { Command } from '@langchain/langgraph';
import { type Checkpointer, openCheckpointer } from 'indelible/langgraph';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SeededRandom } from '../../../src/testing/contract/seededRandom.ts';
import { type StoreUnderTest, storesUnderTest } from '../../storesUnderTest.ts';
import { TalkingProcess } from './talkingProcess.ts';
import { tripGraph, tripInput, tripState } from './tripGraph.ts';

const tripProcess = new URL('./tripProcess.ts', import.meta.url);

describe.each(storesUnderTest)('a run whose process is killed with -9, on $name', { timeout: 120_000 }, (store) => {
  it('goes on in another process where it waited for a human, and ends as one that was never stopped', async () => {
    const { address, checkpointer } = await database(store);
    const whole = await unstopped(checkpointer);

    const first = travel(address, ['trip'], 5);
    expect(await endOf(first, 'trip')).toEqual(whole.waiting);
    await first.kill();
    const second = travel(address, ['trip'], 5, true);
    expect(await endOf(second, 'trip')).toEqual(whole.ended);

    expect([first, second].map((process) => process.linesWith('entering').sort())).toEqual([
      ['approval', 'flights', 'hotels', 'planner'].map((node) => `entering trip ${node}`),
      ['approval', 'booking', 'report'].map((node) => `entering trip ${node}`),
    ]);
  });

  it('ends as one that was never stopped, though it is killed again and again at any moment', async () => {
    const { address, checkpointer } = await database(store);
    const whole = await unstopped(checkpointer);
    const random = new SeededRandom(7);
    // Side by side and one after the other begun, so that each kill meets each of them at another moment.
    const trips = Array.from({ length: 8 }, (_, index) => `trip-${index}`);
    for (let kills = 0; kills < 4; kills++) {
      const process = travel(address, trips, 10, true);
      await process.says('entering', 1 + random.below(12));
      await new Promise((resolve) => setTimeout(resolve, random.below(10)));
      await process.kill();
    }
    for (const _ of ['to the question', 'to the end']) {
      const process = travel(address, trips, 1, true);
      await process.says('state', trips.length);
      await process.kill();
    }
    const ends = await Promise.all(trips.map((trip) => tripState(tripGraph(checkpointer, 1), trip)));
    expect(ends.map(({ values, next }) => ({ values, next }))).toEqual(
      trips.map(() => ({ values: whole.ended.values, next: [] })),
    );
  });
});

function travel(address: string, trips: readonly string[], stepMs: number, answer?: boolean): TalkingProcess {
  const answers = answer === undefined ? [] : [JSON.stringify(answer)];
  return new TalkingProcess(tripProcess, [address, trips.join(','), String(stepMs), ...answers]);
}

async function endOf(process: TalkingProcess, trip: string): Promise<TripState> {
  const [text = 'null'] = await process.says(`state ${trip} `);
  return JSON.parse(text);
}

type TripState = Awaited<ReturnType<typeof tripState>>;

async function database(store: StoreUnderTest): Promise<{ address: string; checkpointer: Checkpointer }> {
  const { address, drop } = await store.create();
  const checkpointer = await openCheckpointer(address);
  onTestFinished(async () => {
    await checkpointer.close();
    await drop();
  });
  return { address, checkpointer };
}

/** The same trip in one process that nobody kills: as it waits, and as it ends. */
async function unstopped(checkpointer: Checkpointer): Promise<{ waiting: TripState; ended: TripState }> {
  const threadId = randomUUID();
  const graph = tripGraph(checkpointer, 1);
  const config = { configurable: { thread_id: threadId } };
  await graph.invoke(tripInput, config);
  const waiting = await tripState(graph, threadId);
  expect(waiting).toMatchObject({ next: ['approval'], asked: ['Book what 4 messages say?'] });
  await graph.invoke(new Command({ resume: true }), config);
  const ended = await tripState(graph, threadId);
  expect(ended.next).toEqual([]);
  return { waiting: asJson(waiting), ended: asJson(ended) };
}

function asJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}
