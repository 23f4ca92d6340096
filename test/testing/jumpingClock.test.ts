import { JumpingClock, ManualClock } from 'indelible/testing';
import { describe, expect, it } from 'vitest';

const hourMs = 3_600_000;

describe('A jumping clock', () => {
  it('is set on and back while durations and timers go on unmoved (P17)', () => {
    const true_ = new ManualClock(1_000);
    const clock = new JumpingClock({ clock: true_ });
    const rang: number[] = [];
    clock.schedule(50, () => rang.push(clock.monotonic()));
    true_.advance(20);
    expect(clock.now()).toBe(1_020);
    clock.jump();
    expect(clock.now()).toBe(1_020 + hourMs);
    expect(clock.monotonic()).toBe(20);
    expect(rang).toEqual([]);
    clock.jump(-2 * hourMs);
    expect(clock.now()).toBe(1_020 - hourMs);
    true_.advance(30);
    expect(rang).toEqual([50]);
  });

  it('with random numbers gives each reading within an hour of the truth, out of order', () => {
    const numbers = [0.5, 1, 0, 0.75];
    const clock = new JumpingClock({ clock: new ManualClock(5), random: () => numbers.shift() ?? 0.5 });
    expect([clock.now(), clock.now(), clock.now(), clock.now()]).toEqual([5, 5 + hourMs, 5 - hourMs, 5 + hourMs / 2]);
  });

  it('is about the system clock by default', () => {
    const clock = new JumpingClock();
    clock.jump(-hourMs);
    const before = Date.now();
    const read = clock.now() + hourMs;
    expect(read).toBeGreaterThanOrEqual(before);
    expect(read).toBeLessThanOrEqual(Date.now());
  });
});
