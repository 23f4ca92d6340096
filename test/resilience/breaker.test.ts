import { ManualClock } from 'indelible/testing';
import { describe, expect, it } from 'vitest';
import { Breaker, type BreakerState, type Permit } from '../../src/resilience/breaker.ts';

function setUp() {
  const clock = new ManualClock();
  const changes: BreakerState[] = [];
  const backoff = { initialDelayMs: 100, maxDelayMs: 1_000 };
  const breaker = new Breaker({ clock, failures: 3, backoff, changed: (state) => void changes.push(state) });
  return { clock, changes, breaker };
}

function admitted(breaker: Breaker): Permit {
  const permit = breaker.admit();
  if (permit === undefined) throw new Error('no permit');
  return permit;
}

function open(breaker: Breaker): void {
  for (let failure = 0; failure < 3; failure++) admitted(breaker).failed('away', false);
}

describe('a breaker', () => {
  it('opens after so many failures one after the other, and not if one between them succeeds', () => {
    const { breaker } = setUp();
    for (const went of ['failed', 'failed', 'succeeded', 'failed', 'failed'] as const)
      admitted(breaker)[went]('away', false);
    expect(breaker.state).toBe('closed');
    admitted(breaker).failed('away', false);
    expect(breaker.state).toBe('open');
    expect(breaker.admit()).toBeUndefined();
  });

  it('opens at once when a call took too long', () => {
    const { breaker } = setUp();
    admitted(breaker).failed('too long', true);
    expect(breaker.state).toBe('open');
  });

  it('P22: half open it lets one probe through, however many ask', () => {
    const { breaker, clock } = setUp();
    open(breaker);
    clock.advance(1_000);
    expect(breaker.state).toBe('half_open');
    const permits = Array.from({ length: 1_000 }, () => breaker.admit()).filter((permit) => permit !== undefined);
    expect(permits).toHaveLength(1);
    permits[0]?.failed('away', false);
    expect(breaker.state).toBe('open');
    clock.advance(1_000);
    admitted(breaker).succeeded();
    expect(breaker.state).toBe('closed');
    expect(Array.from({ length: 10 }, () => breaker.admit()).every((permit) => permit !== undefined)).toBe(true);
  });

  it('is not decided by what comes late of an older call, unless that shows that the other side is there', () => {
    const { breaker, clock } = setUp();
    const [late, later] = [admitted(breaker), admitted(breaker)];
    open(breaker);
    clock.advance(1_000);
    const probe = admitted(breaker);
    late.failed('away', true);
    expect(breaker.state).toBe('half_open');
    expect(breaker.admit()).toBeUndefined();
    later.succeeded();
    expect(breaker.state).toBe('closed');
    probe.failed('away', false);
    expect(breaker.state).toBe('closed');
  });

  it('stays open longer from time to time, with jitter, and not beyond its bound', () => {
    // Of each of many breakers: how long it stays open the first time, and the twelfth.
    const first: number[] = [];
    const later: number[] = [];
    for (let one = 0; one < 200; one++) {
      const { breaker, clock } = setUp();
      open(breaker);
      for (let round = 1; round <= 12; round++) {
        let waited = 0;
        while (breaker.state === 'open') {
          clock.advance(1);
          waited++;
        }
        expect(waited).toBeLessThanOrEqual(1_000);
        if (round === 1) first.push(waited);
        if (round === 12) later.push(waited);
        admitted(breaker).failed('away', false);
      }
      breaker.end();
    }
    const mean = (pauses: readonly number[]) => pauses.reduce((sum, pause) => sum + pause, 0) / pauses.length;
    expect(mean(later)).toBeGreaterThan(2 * mean(first));
    // The first is told from the others' by its jitter alone.
    expect(new Set(first).size).toBeGreaterThan(20);
  });

  it('leaves no timer behind when it is ended', () => {
    const { breaker, clock } = setUp();
    open(breaker);
    breaker.end();
    expect(clock.waiting).toBe(0);
  });
});
