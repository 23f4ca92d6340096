import { describe, expect, it } from 'vitest';
import { Feed } from '../../src/feed/feed.ts';
import { Flights } from '../../src/feed/flights.ts';
import { ManualClock } from '../../src/testing/manualClock.ts';
import { ModelLog } from './modelLog.ts';

async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A source whose answers come when the test lets them; each is how often it was asked. */
function source() {
  const held: (() => void)[] = [];
  let asked = 0;
  return {
    held,
    get asked() {
      return asked;
    },
    fetch: () =>
      new Promise<number>((resolve) => {
        const answer = ++asked;
        held.push(() => resolve(answer));
      }),
  };
}

describe('Flights', () => {
  it('answer all who ask at once with one fetch, and who asks while it is under way with the next one', async () => {
    const flights = new Flights<number>(new ManualClock());
    const one = source();
    const first = Promise.all([flights.ask('a', one.fetch), flights.ask('a', one.fetch)]);
    await settled();
    expect(one.asked).toBe(1);
    const second = Promise.all([flights.ask('a', one.fetch), flights.ask('a', one.fetch)]);
    await settled();
    expect(one.asked, 'the next one waits').toBe(1);
    one.held.shift()?.();
    expect(await first).toEqual([1, 1]);
    await settled();
    one.held.shift()?.();
    expect(await second).toEqual([2, 2]);
  });

  it('of other questions do not wait, nor does one for long that is behind one that hangs', async () => {
    const clock = new ManualClock();
    const flights = new Flights<number>(clock);
    const one = source();
    void flights.ask('a', one.fetch);
    void flights.ask('b', one.fetch);
    await settled();
    expect(one.asked).toBe(2);
    void flights.ask('a', one.fetch);
    await settled();
    expect(one.asked).toBe(2);
    clock.advance(500);
    await settled();
    expect(one.asked).toBe(3);
  });
});

describe('A watcher whose beginning is being looked up', () => {
  it('is given what is committed meanwhile, though the answer does not know of it', async () => {
    const held: (() => void)[] = [];
    const log = new ModelLog(
      (what) => (what === 'heads are answered' ? new Promise((resolve) => held.push(resolve)) : Promise.resolve()),
      5,
    );
    const feed = new Feed({ log, clock: new ManualClock() });
    const seen: number[] = [];
    feed.subscribe('plan', ({ head }) => ({ sequence: 0, revision: head.revision }), {
      messages: (messages) => void seen.push(...messages.map(({ sequence }) => sequence)),
    });
    await settled();
    log.commit(3, 'head');
    for (const answer of held) answer();
    await settled();
    expect(seen).toEqual([1, 2, 3]);
    feed.close();
  });
});
