import { setImmediate as turn } from 'node:timers/promises';
import { Faults, ManualClock, withFaults } from 'indelible/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { OwnerWatch } from '../../src/runs/ownerWatch.ts';
import { RunOwner } from '../../src/runs/runOwner.ts';
import type { RunRecords } from '../../src/store/runRecords.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';

const times = { beatMs: 2_000, buryAfterMs: 10_000 };
const never = new AbortController().signal;

/** A process that beats and looks, on a clock of its own. */
class Process {
  readonly clock = new ManualClock();
  readonly faults = new Faults();
  readonly lost: string[] = [];
  readonly buried: string[] = [];
  readonly owner: RunOwner;
  readonly #watch: OwnerWatch;

  constructor(store: ReturnType<typeof openSqliteStore>) {
    const runs: RunRecords = withFaults(store, this.faults).store.runs;
    const { clock } = this;
    this.owner = new RunOwner({ ...times, runs, clock, lost: (name) => this.lost.push(name) });
    this.#watch = new OwnerWatch({ ...times, runs, clock });
  }

  async look(): Promise<void> {
    this.buried.push(...(await this.#watch.look(this.owner.name).catch(() => [])));
  }

  /** Time passes for it, with a look every beat. */
  async live(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1_000) {
      this.clock.advance(1_000);
      await turn();
      if (passed % times.beatMs === 0) await this.look();
    }
  }
}

function processes(count: number): { some: Process[]; runs: RunRecords } {
  const store = openSqliteStore(':memory:');
  onTestFinished(() => store.close());
  return { some: Array.from({ length: count }, () => new Process(store)), runs: store.runs };
}

async function together(some: readonly Process[], ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) for (const one of some) await one.live(1_000);
}

describe('a process that works on runs', () => {
  test('is buried by another one when it has shown the same beat for 10 s, not before', async () => {
    const { some, runs } = processes(2);
    const [dead, watcher] = some as [Process, Process];
    const name = await dead.owner.join();
    await watcher.owner.join();
    await watcher.live(10_000);
    expect(watcher.buried).toEqual([]);
    await watcher.live(4_000);
    expect(watcher.buried).toEqual([name]);
    expect((await runs.owners()).map(({ owner }) => owner)).toEqual([watcher.owner.name]);
  });

  test('is never buried while it beats, for an hour', async () => {
    const { some } = processes(3);
    for (const { owner } of some) await owner.join();
    await together(some, 3_600_000 / 60);
    expect(some.flatMap(({ buried, lost }) => [...buried, ...lost])).toEqual([]);
  });

  test('is not buried behind an outage, however long that was: the others begin to count anew', async () => {
    const { some } = processes(2);
    const [one, other] = some as [Process, Process];
    await one.owner.join();
    await other.owner.join();
    await together(some, 8_000);
    for (const { faults } of some) faults.refuse();
    await together(some, 60_000);
    for (const { faults } of some) faults.heal();
    await other.live(8_000); // The first one is slower to find the way back.
    expect(other.buried).toEqual([]);
    await together(some, 20_000);
    expect(some.flatMap(({ buried, lost }) => [...buried, ...lost])).toEqual([]);
  });

  test('is not buried by one that slept: a look that comes late counts for nothing', async () => {
    const { some } = processes(2);
    const [, sleeper] = some as [Process, Process];
    await some[0]!.owner.join();
    await sleeper.owner.join();
    await sleeper.live(4_000);
    sleeper.clock.advance(3_600_000); // Its machine was asleep; the beats in between were not looked at.
    await turn();
    await sleeper.look();
    expect(sleeper.buried).toEqual([]);
  });

  test('that slept through its burial is told so by its next beat, and joins under a new name', async () => {
    const { some } = processes(2);
    const [sleeper, watcher] = some as [Process, Process];
    const name = await sleeper.owner.join();
    await watcher.owner.join();
    await watcher.live(16_000);
    expect(watcher.buried).toEqual([name]);
    expect(sleeper.owner.name).toBe(name);
    await sleeper.live(2_000);
    expect(sleeper.lost).toEqual([name]);
    expect(await sleeper.owner.stillHeld(name, never)).toBe(false);
    expect(await sleeper.owner.join()).not.toBe(name);
  });

  test('knows nothing of what it holds after 8 s without a beat, before anybody could have buried it', async () => {
    const { some } = processes(1);
    const [one] = some as [Process];
    const name = await one.owner.join();
    one.faults.refuse();
    await one.live(7_000);
    expect(one.owner.isHeld(name)).toBe(true);
    await one.live(1_000);
    expect(one.owner.isHeld(name)).toBe(false);
    let known: boolean | undefined;
    void one.owner.stillHeld(name, never).then((held) => {
      known = held;
    });
    await one.live(20_000);
    expect(known).toBeUndefined(); // It waits for the database.
    one.faults.heal();
    await one.live(4_000);
    expect(known).toBe(true);
  });

  test('leaves at once when it stops, and joins no more', async () => {
    const { some, runs } = processes(1);
    const [one] = some as [Process];
    await one.owner.join();
    await one.owner.leave();
    expect(await runs.owners()).toEqual([]);
    await expect(one.owner.join()).rejects.toMatchObject({ code: 'service_closed' });
  });
});
