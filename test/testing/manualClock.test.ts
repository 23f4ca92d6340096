import { ManualClock } from 'indelible/testing';
import { describe, expect, it } from 'vitest';

describe('A manual clock', () => {
  it('stands still until it is told to go on', async () => {
    const clock = new ManualClock(1_000);
    let rang = false;
    clock.schedule(1, () => {
      rang = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([clock.now(), clock.monotonic(), rang, clock.waiting]).toEqual([1_000, 0, false, 1]);
  });

  it('runs each timer at its time, earliest first, and those that timers schedule', () => {
    const clock = new ManualClock();
    const rang: string[] = [];
    const ring = (name: string) => () => void rang.push(`${name} at ${clock.monotonic()}`);
    clock.schedule(30, ring('late'));
    clock.schedule(10, ring('early'));
    clock.schedule(10, ring('early too'));
    clock.schedule(20, () => clock.schedule(5, ring('later scheduled')));
    clock.schedule(50, ring('not yet'));
    clock.advance(40);
    expect(rang).toEqual(['early at 10', 'early too at 10', 'later scheduled at 25', 'late at 30']);
    expect([clock.monotonic(), clock.waiting]).toEqual([40, 1]);
  });

  it('does not run what was cancelled, not even by a timer before it', () => {
    const clock = new ManualClock();
    const rang: string[] = [];
    const cancelled = clock.schedule(20, () => rang.push('cancelled'));
    clock.schedule(10, cancelled);
    clock.runAll();
    expect(rang).toEqual([]);
  });

  it('runs all that waits, but not what that schedules', () => {
    const clock = new ManualClock();
    let rang = 0;
    const again = () => {
      rang++;
      clock.schedule(2_000, again);
    };
    clock.schedule(2_000, again);
    clock.runAll();
    expect([rang, clock.waiting, clock.monotonic()]).toEqual([1, 1, 2_000]);
    clock.runAll();
    expect([rang, clock.monotonic()]).toEqual([2, 4_000]);
  });
});
