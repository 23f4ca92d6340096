import type { Indelible } from '../agents/indelible.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { Plan, PlanStatus } from '../protocol/plan.ts';
import type { RunRecord } from '../store/runRecords.ts';
import { OwnerWatch } from './ownerWatch.ts';
import type { RunOwner, RunTimes } from './runOwner.ts';
import { RunWork } from './runWork.ts';
import type { CheckpointSaver, Team } from './team.ts';

/** How many runs are taken up at once; more come with the next look. */
const takenAtOnce = 50;

export interface RunShiftOptions extends RunTimes {
  readonly indelible: Indelible;
  readonly teams: readonly Team[];
  readonly owner: RunOwner;
  readonly checkpointer: () => Promise<CheckpointSaver | undefined>;
}

/**
 * The runs this process works on, and the look it takes every beat: what it holds and does not work on (an answer of the
 * database was lost) it begins to work on, what somebody canceled it ends, owners that are dead it buries, and free runs
 * it takes, if it was told to.
 *
 * Guaranteed: each taking of a run is worked on once. What would break it: working on what a look has read while a call
 * that takes that run is under way ({@link during}), or on what was read before it ended: such a run is read again first.
 */
export class RunShift {
  readonly #options: RunShiftOptions;
  readonly #watch: OwnerWatch;
  /** By plan: the newest taking. */
  readonly #works = new Map<
    string,
    { readonly work: RunWork; readonly name: string; readonly ended: Promise<PlanStatus> }
  >();
  /** Calls, and runs, that have not settled. None of these rejects. */
  readonly #open = new Set<Promise<void>>();
  /** Plans whose runs are being taken by a call. */
  readonly #underWay = new Map<string, number>();
  /** By plan: the fence of a taking that was worked on here and is still held, because it could not be ended. */
  readonly #left = new Map<string, number>();
  #takesUp = false;
  #stopped: IndelibleError | undefined;
  #cancelLook: (() => void) | undefined;

  constructor(options: RunShiftOptions) {
    this.#options = options;
    const { indelible, beatMs, buryAfterMs } = options;
    this.#watch = new OwnerWatch({ runs: indelible.store.runs, clock: indelible.clock, beatMs, buryAfterMs });
  }

  takeUp(): void {
    this.#takesUp = true;
    this.#cancelLook?.();
    this.#schedule(1);
  }

  /** Works on a run that was taken; behind `after`, if it is given. Answers as {@link RunWork.toItsEnd}. */
  work(record: RunRecord, plan?: Plan, after?: Promise<unknown>): Promise<PlanStatus> {
    if (this.#cancelLook === undefined) this.#schedule(this.#options.beatMs);
    return this.untilSettled(this.#work(record, record.owner ?? '', plan, after));
  }

  /** While a call may take the run of a plan, no look begins to work on it. */
  async during<T>(planId: string, call: () => Promise<T>): Promise<T> {
    this.#underWay.set(planId, (this.#underWay.get(planId) ?? 0) + 1);
    try {
      return await call();
    } finally {
      const left = (this.#underWay.get(planId) ?? 1) - 1;
      if (left === 0) this.#underWay.delete(planId);
      else this.#underWay.set(planId, left);
    }
  }

  /** Ends the run if it is worked on here; resolves when it has ended. */
  async cancel(planId: string): Promise<void> {
    const here = this.#works.get(planId);
    here?.work.cancel();
    await here?.ended;
  }

  /** What was taken under this name is not this process's any more. */
  lose(name: string): void {
    const lost = [...this.#works.values()].filter((one) => one.name === name);
    this.#options.indelible.observe({ type: 'runs_lost', owner: name, runs: lost.length });
    for (const { work } of lost) {
      work.lose();
      // One that does not heed it must not stand in the way of the next taking.
      this.#works.delete(work.planId);
    }
    this.#left.clear();
  }

  /** Asks all runs to stop; resolves when they have, and all calls are answered. */
  async stop(reason: IndelibleError): Promise<void> {
    this.#stopped = reason;
    this.#cancelLook?.();
    for (const { work } of this.#works.values()) work.stop(reason);
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  /** What still runs has not heeded its signal: it changes nothing of its run any more. */
  over(): void {
    for (const { work } of this.#works.values()) work.lose();
  }

  untilSettled<T>(work: Promise<T>): Promise<T> {
    const settled: Promise<void> = work.then(
      () => void this.#open.delete(settled),
      () => void this.#open.delete(settled),
    );
    this.#open.add(settled);
    return work;
  }

  async #work(record: RunRecord, name: string, plan: Plan | undefined, after: Promise<unknown> | undefined) {
    const { planId } = record;
    const { indelible, owner, teams, checkpointer } = this.#options;
    const work = new RunWork({
      indelible,
      teams,
      record,
      plan,
      after,
      wasLeft: this.#left.get(planId) === record.fence,
      stillHeld: (stop) => owner.stillHeld(name, stop),
      checkpointer,
    });
    if (this.#stopped !== undefined) work.stop(this.#stopped);
    const ended = work.toItsEnd();
    const entry = { work, name, ended };
    this.#works.set(planId, entry);
    const status = await ended;
    if (this.#works.get(planId) !== entry) return status;
    this.#works.delete(planId);
    if (status === 'in_progress') this.#left.set(planId, record.fence);
    else this.#left.delete(planId);
    return status;
  }

  #schedule(delayMs: number): void {
    const { clock } = this.#options.indelible;
    this.#cancelLook = clock.schedule(
      Math.max(1, delayMs),
      () => {
        const begunAt = clock.monotonic();
        const looked = this.untilSettled(this.#look()).catch(() => {}); // The database is away: the next look comes.
        void looked.then(() => {
          if (this.#stopped === undefined) this.#schedule(this.#options.beatMs - (clock.monotonic() - begunAt));
        });
      },
      'background',
    );
  }

  async #look(): Promise<void> {
    const { indelible, owner, teams } = this.#options;
    const { runs } = indelible.store;
    const name = await owner.join();
    for (const record of await runs.held(name)) await this.#see(record, name);
    for (const dead of await this.#watch.look(name)) indelible.observe({ type: 'owner_buried', owner: dead });
    if (!this.#takesUp || this.#stopped !== undefined) return;
    const ids = teams.map(({ id }) => id);
    try {
      for (const record of await runs.take(name, ids, takenAtOnce)) void this.work(record);
    } catch (error) {
      if (IndelibleError.is(error, 'run_taken')) owner.forget(name);
      throw error;
    }
  }

  /** A run that the database says is this process's. */
  async #see(record: RunRecord, name: string): Promise<void> {
    const { planId } = record;
    const isKnown = () => this.#underWay.has(planId) || this.#works.has(planId) || this.#stopped !== undefined;
    const here = this.#works.get(planId);
    if (here !== undefined && record.cancelRequested && here.work.fence === record.fence) here.work.cancel();
    if (isKnown()) return;
    const now = await this.#options.indelible.store.runs.find(planId);
    if (isKnown() || now?.state !== 'working' || now.owner !== name) return;
    void this.work(now);
  }
}
