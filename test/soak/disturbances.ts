import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { databaseFaults } from './databaseFaults.ts';
import type { KeptProcess } from './keptProcess.ts';
import type { Range, SoakOptions } from './soakOptions.ts';
import type { Stage } from './stage.ts';

/** Times in s since the soak began. */
export interface Disturbance {
  readonly what: string;
  readonly of: 'database' | 'process';
  readonly from: number;
  /** When the database was mended, or the process did its work again. */
  to: number;
}

/** Faults of the database, one after the other, and kills of processes whenever they come; all that is random is seeded. */
export class Disturbances {
  readonly all: Disturbance[] = [];
  readonly #options: SoakOptions;
  readonly #stage: Stage;
  readonly #now: () => number;
  readonly #faults: SeededRandom;
  readonly #kills: SeededRandom;
  /** Those that did not come yet in this round: each comes as often as the others. */
  #toCome: (typeof databaseFaults)[number][] = [];

  constructor(options: SoakOptions, stage: Stage, now: () => number) {
    this.#options = options;
    this.#stage = stage;
    this.#now = now;
    this.#faults = new SeededRandom(options.seed);
    this.#kills = new SeededRandom(options.seed + 1);
  }

  /** Until `end`, in s since the soak began. When it resolves all is mended, and all processes do their work. */
  async rage(end: number, victims: readonly KeptProcess[]): Promise<void> {
    await Promise.all([this.#failDatabase(end), this.#killProcesses(end, victims)]);
  }

  async #failDatabase(end: number): Promise<void> {
    const { faultMs, wellMs } = this.#options;
    const random = this.#faults;
    for (;;) {
      await sleep(drawn(random, wellMs));
      const holdMs = drawn(random, faultMs);
      if (this.#now() + holdMs / 1_000 > end) return;
      const { name, begin, end: mend } = this.#nextFault();
      await this.#during({ what: name, of: 'database' }, async () => {
        await begin(this.#stage);
        await sleep(holdMs);
        await mend(this.#stage);
      });
    }
  }

  async #killProcesses(end: number, victims: readonly KeptProcess[]): Promise<void> {
    const { betweenKillsMs, awayMs } = this.#options;
    const random = this.#kills;
    for (;;) {
      await sleep(drawn(random, betweenKillsMs));
      const restMs = drawn(random, awayMs);
      if (this.#now() + restMs / 1_000 > end) return;
      const victim = random.pick(victims);
      await this.#during({ what: `${victim.name} killed`, of: 'process' }, async () => {
        await victim.kill();
        await sleep(restMs);
        await victim.start();
      });
    }
  }

  async #during(which: Pick<Disturbance, 'what' | 'of'>, action: () => Promise<void>): Promise<void> {
    const disturbance: Disturbance = { ...which, from: this.#now(), to: Number.POSITIVE_INFINITY };
    this.all.push(disturbance);
    await action();
    disturbance.to = this.#now();
  }

  #nextFault() {
    if (this.#toCome.length === 0) this.#toCome = [...databaseFaults];
    return this.#toCome.splice(this.#faults.below(this.#toCome.length), 1)[0] as (typeof databaseFaults)[number];
  }
}

function drawn(random: SeededRandom, [least, most]: Range): number {
  return least + random.below(most - least);
}
