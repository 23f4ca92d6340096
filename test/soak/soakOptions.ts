/** From and to, in ms; drawn anew each time. */
export type Range = readonly [least: number, most: number];

export interface SoakOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly agents: number;
  readonly plans: number;
  /** How long the processes run, under faults, before their memory is measured for the first time, in ms. */
  readonly warmUpMs: number;
  /** How long a fault of the database lasts, and how long it is well in between. */
  readonly faultMs: Range;
  readonly wellMs: Range;
  /** From one kill of a process to the next, and how long it is away before it is started again. */
  readonly betweenKillsMs: Range;
  readonly awayMs: Range;
  /** How long a WebSocket lasts. */
  readonly connectedMs: Range;
  /** `memory` for the control: what agents inside a process spool dies with it. */
  readonly hostSpool: 'disk' | 'memory';
}

/** As the promise is made: 100 agents, faults of 2 to 30 s. */
export function longSoak(minutes: number, seed: number): SoakOptions {
  return {
    seed,
    minutes,
    agents: 100,
    plans: 50,
    warmUpMs: Math.min(180_000, (minutes * 60_000) / 3),
    faultMs: [2_000, 30_000],
    wellMs: [4_000, 15_000],
    betweenKillsMs: [20_000, 60_000],
    awayMs: [500, 10_000],
    connectedMs: [3_000, 40_000],
    hostSpool: 'disk',
  };
}

/** The same in small, for each run of the tests. */
export function shortSoak(seconds: number, seed: number): SoakOptions {
  return {
    ...longSoak(seconds / 60, seed),
    agents: 10,
    plans: 5,
    warmUpMs: 0,
    faultMs: [1_500, 3_000],
    wellMs: [1_500, 2_500],
    betweenKillsMs: [3_000, 6_000],
    awayMs: [200, 1_000],
    connectedMs: [500, 4_000],
  };
}
