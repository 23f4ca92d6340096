import { v7 as uuidV7 } from 'uuid';
import type { Indelible } from '../agents/indelible.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { LiveEvent } from '../protocol/liveEvent.ts';
import { checkId } from '../protocol/message.ts';
import type { Plan, PlanStatus } from '../protocol/plan.ts';
import type { AnswerOutcome, CancelOutcome, PersonAnswer } from './answering.ts';
import { createPlan } from './planCreation.ts';
import { runContext } from './runContext.ts';
import { RunEnd, reasonOf } from './runEnd.ts';
import type { FinalResult, Team } from './team.ts';

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
   * Settles when the run has ended and its end is stored: `completed` or `failed`. Where the process is to stop before
   * the end could be stored it is `in_progress`, as the plan says. Never rejects.
   */
  readonly ended: Promise<PlanStatus>;
}

export const nobody = '00000000-0000-0000-0000-000000000000';

/**
 * Runs tasks. A run begins when it is asked for and goes on to its end, whether somebody watches or not. The plan is
 * stored before its run begins, so whoever was told of it can read it.
 */
export class Runner {
  readonly #indelible: Indelible;
  readonly #teams: readonly Team[];
  /** Runs, and starts of runs, that have not settled. None of these rejects. */
  readonly #work = new Set<Promise<void>>();
  /** One for each run, so that what a library leaves behind on a signal goes with its run. */
  readonly #stops = new Set<AbortController>();
  #stopped: IndelibleError | undefined;

  constructor(indelible: Indelible, teams: readonly [Team, ...Team[]]) {
    this.#indelible = indelible;
    this.#teams = teams;
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
   * Stores the plan, then starts its run, which goes on behind this call. A database that is busy is asked again for
   * most of a second.
   *
   * @throws IndelibleError `invalid_request`, `team_not_found`, `plan_exists`, `invalid_id`, `store_unavailable`,
   * `service_closed`
   */
  start(task: Task): Promise<StartedRun> {
    return this.#untilSettled(this.#start(task));
  }

  async #start(task: Task): Promise<StartedRun> {
    if (this.#stopped !== undefined) throw new IndelibleError('service_closed');
    const team = this.team(task.teamId);
    const created = {
      planId: checkId(task.planId ?? uuidV7(), 'planId'),
      sessionId: checkText(task.sessionId ?? uuidV7(), 'sessionId'),
      userId: checkText(task.userId ?? nobody, 'userId'),
      teamId: team.id,
      description: checkText(task.description, 'description'),
      status: 'in_progress',
      createdAt: this.#timestamp(),
    } as const;
    const plan = await createPlan(this.#indelible, created, {
      isFresh: task.planId === undefined || task.sessionId === undefined,
      isStopped: () => this.#stopped !== undefined,
    });
    return { plan, ended: this.#untilSettled(this.#run(plan, team)) };
  }

  /**
   * A person answers what the run of this plan asks. The first answer wins.
   *
   * @throws IndelibleError `store_unavailable`, `service_closed`
   */
  async answer(_planId: string, _answer: PersonAnswer): Promise<AnswerOutcome> {
    throw new IndelibleError('not_implemented');
  }

  /**
   * Ends the run of this plan, wherever it is worked on. Its messages stay.
   *
   * @throws IndelibleError `store_unavailable`, `service_closed`
   */
  async cancel(_planId: string): Promise<CancelOutcome> {
    throw new IndelibleError('not_implemented');
  }

  /** Starts no more runs, asks those that run to stop, and waits for them, at most `timeoutMs`. */
  async close(timeoutMs = 5_000): Promise<void> {
    this.#stopped = new IndelibleError('service_closed', { message: 'the process was asked to stop' });
    for (const stop of this.#stops) stop.abort(this.#stopped);
    let cancel = () => {};
    const timeout = new Promise<void>((resolve) => {
      cancel = this.#indelible.clock.schedule(timeoutMs, resolve);
    });
    await Promise.race([this.#idle(), timeout]);
    cancel();
  }

  async #idle(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #untilSettled<T>(work: Promise<T>): Promise<T> {
    const settled: Promise<void> = work.then(
      () => void this.#work.delete(settled),
      () => void this.#work.delete(settled),
    );
    this.#work.add(settled);
    return work;
  }

  async #run(plan: Plan, team: Team): Promise<PlanStatus> {
    const stop = new AbortController();
    if (this.#stopped !== undefined) stop.abort(this.#stopped);
    this.#stops.add(stop);
    try {
      return await this.#runToItsEnd(plan, team, stop.signal);
    } finally {
      this.#stops.delete(stop);
    }
  }

  async #runToItsEnd(plan: Plan, team: Team, signal: AbortSignal): Promise<PlanStatus> {
    const { planId } = plan;
    const { observe } = this.#indelible;
    const end = new RunEnd(this.#indelible, planId, signal);
    observe({ type: 'run_started', planId, teamId: team.id });
    this.#tell({ type: 'workflow_started', planId, timestamp: this.#timestamp(), text: plan.description });
    let result: FinalResult | undefined;
    try {
      signal.throwIfAborted();
      result = checkResult(team, await team.run(runContext(this.#indelible, plan, signal)));
      await this.#saveLast(end, result, 'completed');
      await end.changeStatus('completed');
      observe({ type: 'run_completed', planId, teamId: team.id });
      return 'completed';
    } catch (error) {
      observe({ type: 'run_failed', planId, teamId: team.id, error });
      // A run that was done, and whose end the process has no time left to store, has not failed.
      if (result !== undefined && signal.aborted) return 'in_progress';
      return await this.#fail(end, plan, signal, signal.aborted ? signal.reason : error);
    }
  }

  async #fail(end: RunEnd, { planId, teamId }: Plan, signal: AbortSignal, error: unknown): Promise<PlanStatus> {
    const errorMessage = reasonOf(error);
    const timestamp = this.#timestamp();
    this.#tell({
      type: 'error_notification',
      planId,
      timestamp,
      errorType: 'run_failed',
      errorMessage,
      recoverable: false,
    });
    try {
      await this.#saveLast(end, { agentName: 'System', content: `The run failed: ${errorMessage}` }, 'failed');
    } catch (cause) {
      // The run is over all the same.
      this.#indelible.observe({ type: 'run_failed', planId, teamId, error: cause });
      if (signal.aborted) return 'in_progress';
    }
    try {
      await end.changeStatus('failed');
      return 'failed';
    } catch (cause) {
      this.#indelible.observe({ type: 'run_failed', planId, teamId, error: cause });
      return 'in_progress';
    }
  }

  /** The last message is the last frame too: clients close on it. */
  async #saveLast(end: RunEnd, result: FinalResult, status: 'completed' | 'failed'): Promise<void> {
    this.#tell({ type: 'workflow_completed', planId: end.planId, timestamp: this.#timestamp(), text: status });
    await end.saveLast(result, status);
  }

  #tell(event: LiveEvent): void {
    this.#indelible.feed.publish(event);
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

/** So may a team. */
function checkResult(team: Team, result: FinalResult | undefined): FinalResult {
  if (typeof result?.agentName === 'string' && typeof result.content === 'string') return result;
  const message = `the team ${team.id} answered no final result {agentName, content}`;
  throw new IndelibleError('run_failed', { message });
}
