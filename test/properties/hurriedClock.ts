import { type Clock, systemClock } from '../../src/resilience/clock.ts';

/** A clock on which `speed` seconds pass in one: deadlines of a second are over soon, in their order. */
export function hurriedClock(speed: number): Clock {
  return {
    now: systemClock.now,
    monotonic: () => systemClock.monotonic() * speed,
    schedule: (delayMs, action, kind) => systemClock.schedule(delayMs / speed, action, kind),
  };
}
