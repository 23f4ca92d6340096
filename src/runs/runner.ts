import { v7 as uuidV7 } from 'uuid';
import type { Indelible } from '../agents/indelible.ts';
import { IndelibleError } from '../protocol/errors.ts';
import { checkId } from '../protocol/message.ts';
import type { Plan, PlanStatus } from '../protocol/plan.ts';
import type { AnswerOutcome, CancelOutcome, PersonAnswer } from './answering.ts';
import { CheckpointPlace, type OpenedSaver } from './checkpointPlace.ts';
import { asGuest, giveAnswer } from './givenAnswer.ts';
import { briefly, createPlan } from './planCreation.ts';
import { defaultTimes, RunOwner, type RunTimes } from './runOwner.ts';
import { RunShift } from './runShift.ts';
import type { Team } from './team.ts';

export interface Task {
  readonly description: string;
  /** Default a new UUID. */
  readonly planId?: string;
  /** Default a new UUID. Any string. */
  readonly sessionId?: string;
  readonly userId?: string;
  /** Default the first team. */
  readonly teamId?: string;
}

export interface StartedRun {
  readonly plan: Plan;
  /**
   * Settles when this process is done with the run, with the plan's status: when its end is stored; when it waits for a
   * person (`pending_approval`, `pending_clarification`), after which whoever takes the answer goes on with it; or, as
   * `in_progress`, when this process stops before the end, or was taken for dead. Never rejects.
   */
  readonly ended: Promise<PlanStatus>;
}

export interface RunnerOptions extends Partial<RunTimes> {
  /** Opens the place for checkpoints of graphs that have none: `() => openCheckpointer(address)`. Default: none. */
  readonly checkpointer?: () => Promise<OpenedSaver>;
}

export const nobody = '00000000-0000-0000-0000-000000000000';
/** How long a run waits until whoever answered it has been answered, in ms. */
const callerAnsweredMs = 1_000;
/** How long a call waits for the end of a run that it canceled, in ms. */
const endOfCanceledMs = 2_000;

/**
 * Runs tasks. A run begins when it is asked for and goes on to its end, whether somebody watches or not, across the death
 * of its process, and across the time until people have answered. The plan is stored before its run begins, so whoever
 * was told of it can read it.
 */
export class Runner {
  readonly #indelible: Indelible;
  readonly #teams: readonly Team[];
  readonly #owner: RunOwner;
  readonly #shift: RunShift;
  readonly #checkpoints: CheckpointPlace;
  #stopped: IndelibleError | undefined;

  constructor(indelible: Indelible, teams: readonly [Team, ...Team[]], options: RunnerOptions = {}) {
    const { clock, store, observe } = indelible;
    const times = {
      beatMs: options.beatMs ?? defaultTimes.beatMs,
      buryAfterMs: options.buryAfterMs ?? defaultTimes.buryAfterMs,
    };
    this.#indelible = indelible;
    this.#teams = teams;
    this.#checkpoints = new CheckpointPlace(options.checkpointer, observe);
    const lost = (name: string) => this.#shift.lose(name);
    this.#owner = new RunOwner({ ...times, runs: store.runs, clock, lost });
    const checkpointer = () => this.#checkpoints.saver();
    this.#shift = new RunShift({ ...times, indelible, teams, owner: this.#owner, checkpointer });
  }

  get teams(): readonly Team[] {
    return this.#teams;
  }

  /** The team of that id, or the first one where none is named. Throws `team_not_found`. */
  team(teamId: string | undefined): Team {
    const team = teamId === undefined ? this.#teams[0] : this.#teams.find(({ id }) => id === teamId);
    if (team !== undefined) return team;
    const message = `there is no team ${JSON.stringify(teamId)}; there are: ${this.#teams.map(({ id }) => id).join(', ')}`;
    throw new IndelibleError('team_not_found', { message, field: 'teamId' });
  }

  /**
   * From now on this process also goes on with runs of its teams that nobody works on: those of processes that died or
   * stopped, and those that were answered elsewhere. Keeps no process alive.
   */
  takeUp(): void {
    this.#shift.takeUp();
  }

  /**
   * Stores the plan, then starts its run, which goes on behind this call. A database that is busy is asked again for
   * most of a second.
   *
   * @throws IndelibleError `invalid_request`, `team_not_found`, `plan_exists`, `invalid_id`, `store_unavailable`,
   * `run_taken`, `service_closed`
   */
  start(task: Task): Promise<StartedRun> {
    return this.#shift.untilSettled(this.#start(task));
  }

  async #start(task: Task): Promise<StartedRun> {
    this.#refuseIfStopped();
    const team = this.team(task.teamId);
    const created = {
      planId: checkId(task.planId ?? uuidV7(), 'planId'),
      sessionId: checkText(task.sessionId ?? uuidV7(), 'sessionId'),
      userId: checkText(task.userId ?? nobody, 'userId'),
      teamId: team.id,
      description: checkText(task.description, 'description'),
      // What has yet to be approved is not in progress: clients would show it as approved.
      status: team.needsApproval ? 'pending' : 'in_progress',
      createdAt: this.#timestamp(),
    } as const;
    return await this.#shift.during(created.planId, async () => {
      const { plan, owner } = await createPlan(this.#indelible, created, {
        owner: this.#owner,
        isFresh: task.planId === undefined || task.sessionId === undefined,
        isStopped: () => this.#stopped !== undefined,
      });
      const nothing = { request: undefined, answer: undefined, cancelRequested: false } as const;
      const record = { planId: plan.planId, state: 'working', owner, fence: 1, ...nothing } as const;
      return { plan, ended: this.#shift.work(record, plan) };
    });
  }

  /**
   * A person answers what the run of this plan asks. The first answer wins, and the run goes on: here, or where its team
   * is.
   *
   * @throws IndelibleError `invalid_id`, `store_unavailable`, `run_taken`, `service_closed`
   */
  answer(planId: string, answer: PersonAnswer): Promise<AnswerOutcome> {
    return this.#shift.untilSettled(this.#answer(checkId(planId, 'planId'), answer));
  }

  async #answer(planId: string, given: PersonAnswer): Promise<AnswerOutcome> {
    this.#refuseIfStopped();
    const { clock, store } = this.#indelible;
    const { runs } = store;
    const isStopped = () => this.#stopped !== undefined;
    const isOurs = await briefly(clock, isStopped, () => this.#hasTeamOf(planId));
    const asOwner = <T>(call: (owner: string) => Promise<T>) => (isOurs ? this.#asOwner(call) : asGuest(runs, call));
    return await this.#shift.during(planId, async () => {
      const answered = await giveAnswer({ runs, clock, isStopped, asOwner }, planId, given);
      if (answered.outcome !== 'taken') return answered;
      const { run, request, approved } = answered;
      if (isOurs && run.owner === this.#owner.name) {
        void this.#shift.work(run, undefined, this.#callerAnswered(given.callerAnswered));
      }
      return { outcome: 'taken', request, approved };
    });
  }

  /**
   * Ends the run of this plan, wherever it is worked on. Its messages stay.
   *
   * @throws IndelibleError `invalid_id`, `store_unavailable`, `run_taken`, `service_closed`
   */
  cancel(planId: string): Promise<CancelOutcome> {
    return this.#shift.untilSettled(this.#cancel(checkId(planId, 'planId')));
  }

  async #cancel(planId: string): Promise<CancelOutcome> {
    this.#refuseIfStopped();
    const { clock, store } = this.#indelible;
    let ended: Promise<unknown> = Promise.resolve();
    const outcome = await this.#shift.during(planId, async () => {
      const isStopped = () => this.#stopped !== undefined;
      const canceled = await briefly(clock, isStopped, () =>
        this.#asOwner((owner) => store.runs.cancel(planId, owner)),
      );
      if (canceled === undefined) return 'no_run';
      if (canceled.outcome === 'ended') return 'ended';
      if (canceled.outcome === 'taken') ended = this.#shift.work(canceled.run);
      else ended = this.#shift.cancel(planId);
      return 'canceled';
    });
    await this.#atMost(endOfCanceledMs, ended);
    return outcome;
  }

  /**
   * Starts no more runs, asks those that run to stop, and waits for them, at most `timeoutMs`. Then this process leaves:
   * what can go on elsewhere is taken up there.
   */
  async close(timeoutMs = 5_000): Promise<void> {
    this.#stopped ??= new IndelibleError('service_closed', { message: 'the process was asked to stop' });
    await this.#atMost(timeoutMs, this.#shift.stop(this.#stopped));
    this.#shift.over();
    await this.#owner.leave();
    await this.#checkpoints.close();
  }

  /** A call of the store that may take a run for this process. */
  async #asOwner<T>(call: (owner: string) => Promise<T>): Promise<T> {
    const owner = await this.#owner.join();
    try {
      return await call(owner);
    } catch (error) {
      if (IndelibleError.is(error, 'run_taken')) this.#owner.forget(owner);
      throw error;
    }
  }

  async #hasTeamOf(planId: string): Promise<boolean> {
    const plan = await this.#indelible.store.plans.find(planId);
    return this.#teams.some(({ id }) => id === plan?.teamId);
  }

  #callerAnswered(answered: Promise<unknown> | undefined): Promise<unknown> | undefined {
    if (answered === undefined) return undefined;
    const settled = answered.then(
      () => {},
      () => {},
    );
    return this.#atMost(callerAnsweredMs, settled);
  }

  async #atMost(ms: number, work: Promise<unknown>): Promise<void> {
    let cancel = () => {};
    const timeout = new Promise<void>((resolve) => {
      cancel = this.#indelible.clock.schedule(ms, resolve);
    });
    await Promise.race([work, timeout]);
    cancel();
  }

  #refuseIfStopped(): void {
    if (this.#stopped !== undefined) throw new IndelibleError('service_closed');
  }

  #timestamp(): string {
    return new Date(this.#indelible.clock.now()).toISOString();
  }
}

/** A task may come from where types do not reach. */
function checkText(value: unknown, field: string): string {
  if (typeof value === 'string') return value;
  const message = `${field} ${value === undefined ? 'is missing' : 'is not a string'}`;
  throw new IndelibleError('invalid_request', { message, field });
}
