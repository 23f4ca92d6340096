import type { Plan, PlanStatus, PlanStep } from '../protocol/plan.ts';
import type { NewPlan } from './planRecords.ts';

/**
 * What the database knows of each run: which process works on it, whether it waits for a person, what was answered. A plan
 * has at most one run. A plan that nobody gave to a team (replayed, or written from outside) has none.
 *
 * A process that works on runs shows that it lives by counting up its beat. Whoever sees the same beat for too long, by
 * its own monotonic clock, buries it, and its runs are free; no clock of one machine is compared with another's. Each time
 * a run is taken its fence grows by one, and whoever took it with an older one can change nothing more of it: this is what
 * keeps a process that only slept from working on a run that another has taken up.
 *
 * Each call is one transaction. Errors as those of the log.
 */
export interface RunRecords {
  /**
   * Stores a plan and its run, which `owner` works on, with the fence 1. Throws `plan_exists` as `PlanRecords.create`,
   * and takes over a plan that so far only has messages as that does; throws `run_taken` if the owner has not joined.
   * Of a call whose answer was lost, the next one throws `plan_exists`: {@link held} tells that the run is there.
   */
  begin(plan: NewPlan, owner: string): Promise<Plan>;
  find(planId: string): Promise<RunRecord | undefined>;

  /** From now on the owner counts as alive, at the beat 0. What was buried under this name is not its own again. */
  join(owner: string): Promise<void>;
  /** One more beat. False: it has been buried, or never joined; whatever it worked on is not its own any more. */
  beat(owner: string): Promise<boolean>;
  owners(): Promise<readonly RunOwner[]>;
  /** The owner is dead if its beat is still this one: its runs are free. Answers whether this call did it. */
  bury(owner: string, beat: number): Promise<boolean>;
  /** The owner leaves by itself: its runs are free at once. No effect if it is not there. */
  leave(owner: string): Promise<void>;
  /**
   * Takes free runs that are to be worked on, of plans of these teams, the oldest plan first, at most `limit`.
   * One that another call is at work on just then may be left to the next call. Throws `run_taken` if the owner has not
   * joined; so do {@link answer} and {@link cancel} where they would take the run.
   */
  take(owner: string, teamIds: readonly string[], limit: number): Promise<readonly RunRecord[]>;

  /** The runs this owner works on, the oldest plan first: also those of calls whose answers were lost. */
  held(owner: string): Promise<readonly RunRecord[]>;

  /** The plan's status or steps, while the run is still held. Answers false and changes nothing if it is not. */
  change(held: HeldRun, change: RunChange): Promise<boolean>;
  /**
   * The run waits for a person: the plan gets this status, nobody works on it, and what was answered before is forgotten.
   * False if it is not held any more, or is to be canceled: nobody would look at it while it waits. True, and nothing
   * changes, if it waits already for what this holder asked with this call (its answer was lost).
   */
  ask(held: HeldRun, request: RunRequest, status: PlanStatus, updatedAt: string): Promise<boolean>;
  /**
   * A person answers what is asked now. The first answer wins: the run is taken by `owner`, the plan gets this status.
   * The same answer again (by its `answerId`) is answered as the first time, as long as the run has asked nothing new;
   * it changes nothing, and the run is whose the record says.
   */
  answer(planId: string, answer: RunAnswer, owner: string, status: PlanStatus, updatedAt: string): Promise<Answered>;
  /**
   * The run is over: the plan gets this status, for good. False if it is not held any more; true, and nothing changes, if
   * this holder has ended it already (the answer was lost).
   */
  end(held: HeldRun, status: PlanStatus, updatedAt: string): Promise<boolean>;
  /**
   * Asks that the run be ended. One that nobody works on, because it waits for a person or is free, is taken by `owner`,
   * who ends it (`taken`); for one that is worked on, by whomever, it is noted, for its owner to see (`noted`). `ended`:
   * it is over. Undefined: there is no such run.
   */
  cancel(planId: string, owner: string): Promise<Canceled | undefined>;
  /** The plans this owner works on whose runs are to be ended. */
  toCancel(owner: string): Promise<readonly string[]>;
}

export interface RunRecord {
  readonly planId: string;
  /** `working`: somebody works on it or should. `waiting`: a person is asked. `ended`: it is over. */
  readonly state: 'working' | 'waiting' | 'ended';
  /** Who works on it; undefined: nobody. */
  readonly owner: string | undefined;
  /** 1 from the start, one more each time it is taken. */
  readonly fence: number;
  /** What was asked last. */
  readonly request: RunRequest | undefined;
  /** What was answered to that. */
  readonly answer: RunAnswer | undefined;
  readonly cancelRequested: boolean;
}

/** A run as its owner holds it: as long as somebody works on it with this fence. */
export interface HeldRun {
  readonly planId: string;
  readonly fence: number;
}

export interface RunOwner {
  readonly owner: string;
  readonly beat: number;
}

export interface RunChange {
  readonly status?: PlanStatus;
  readonly steps?: readonly PlanStep[];
  /** ISO 8601, UTC, `Z`. */
  readonly updatedAt: string;
}

export interface RunRequest {
  /** Unique within the plan; the same question asked again after a restart has the same. */
  readonly requestId: string;
  readonly kind: 'approval' | 'clarification';
  /** The message of the log that asks. */
  readonly messageId: string;
}

export interface RunAnswer {
  /** The answer's own, so that it can be given again when it is not known whether it arrived. */
  readonly answerId: string;
  /** Which question it answers. */
  readonly requestId: string;
  readonly userId: string;
  readonly approved: boolean;
  /** What was said: feedback, or the answer to a question. May be empty. */
  readonly text: string;
  /** ISO 8601, UTC, `Z`. */
  readonly answeredAt: string;
}

/**
 * `taken`: this answer counts, and the run is the owner's. `answered`: another one counts. `not_asked`: the run waits for
 * nothing, or for another question. `no_run`: the plan has no run.
 */
export type Answered =
  | { readonly outcome: 'taken'; readonly run: RunRecord }
  | { readonly outcome: 'answered' | 'not_asked' | 'no_run' };

export type Canceled = { readonly outcome: 'taken'; readonly run: RunRecord } | { readonly outcome: 'noted' | 'ended' };
