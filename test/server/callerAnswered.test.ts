import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { callerAnswered } from '../../src/server/callerAnswered.ts';
import { ManualClock } from './manualClock.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function scene(state: Partial<ServerResponse> = {}) {
  const response = Object.assign(new EventEmitter(), { writableFinished: false, destroyed: false, ...state });
  const clock = new ManualClock(150);
  let isAnswered = false;
  void callerAnswered(response as unknown as ServerResponse, clock).then(() => {
    isAnswered = true;
  });
  await turn();
  return { response, clock, answered: () => turn().then(() => isAnswered) };
}

describe('a caller has been answered', () => {
  it.each(['finish', 'close'])(
    'when the response is written or its connection gone (%s), and some time for reading it is over',
    async (event) => {
      const { response, clock, answered } = await scene();
      clock.run();
      expect([clock.waiting, await answered()]).toEqual([0, false]);
      response.emit(event);
      expect([await answered(), clock.waiting]).toEqual([false, 1]);
      clock.run();
      expect(await answered()).toBe(true);
    },
  );

  it.each([{ writableFinished: true }, { destroyed: true }])(
    'also where that has happened before: %j',
    async (state) => {
      const { clock, answered } = await scene(state);
      expect([await answered(), clock.waiting]).toEqual([false, 1]);
      clock.run();
      expect(await answered()).toBe(true);
    },
  );
});
