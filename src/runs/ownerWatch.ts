import type { Clock } from '../resilience/clock.ts';
import type { RunRecords } from '../store/runRecords.ts';
import type { RunTimes } from './runOwner.ts';

export interface OwnerWatchOptions extends RunTimes {
  readonly runs: Pick<RunRecords, 'owners' | 'bury'>;
  readonly clock: Clock;
}

/**
 * Looks at the processes that work on runs, and buries those that are dead: their runs are free then.
 *
 * Guaranteed to a process that lives and reaches the database: nobody buries it. An owner must show the same beat for all
 * of the burial time, by this process's monotonic clock, in looks that followed each other without a failure and without
 * a gap: an outage, or this machine asleep, begins the time anew. What would break it: a clock that two machines share.
 */
export class OwnerWatch {
  readonly #options: OwnerWatchOptions;
  #seen = new Map<string, { readonly beat: number; readonly since: number }>();
  #lookedAt: number | undefined;

  constructor(options: OwnerWatchOptions) {
    this.#options = options;
  }

  /** Answers who was buried by it. Rejects as the store does. */
  async look(own: string | undefined): Promise<readonly string[]> {
    const { runs, clock, buryAfterMs } = this.#options;
    const askedAt = clock.monotonic();
    const last = this.#lookedAt;
    this.#lookedAt = undefined;
    const owners = await runs.owners();
    const now = clock.monotonic();
    const isLate = last === undefined || now - last > buryAfterMs / 2;
    const before = isLate ? new Map<string, never>() : this.#seen;
    this.#seen = new Map();
    this.#lookedAt = now;
    const dead: { readonly owner: string; readonly beat: number }[] = [];
    for (const { owner, beat } of owners) {
      if (owner === own) continue;
      const known = before.get(owner);
      const since = known?.beat === beat ? known.since : now;
      this.#seen.set(owner, { beat, since });
      if (askedAt - since >= buryAfterMs) dead.push({ owner, beat });
    }
    const buried: string[] = [];
    for (const { owner, beat } of dead) if (await runs.bury(owner, beat)) buried.push(owner);
    return buried;
  }
}
