import { v7 as uuidV7 } from 'uuid';
import type { Indelible } from '../agents/indelible.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { LiveEvent } from '../protocol/liveEvent.ts';
import { checkId, type NewMessage } from '../protocol/message.ts';
import type { Plan, PlanStatus } from '../protocol/plan.ts';
import type { FinalResult, RunContext, Team } from './team.ts';

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
  /** Settles when the run has ended and its end is stored; never rejects. */
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
  readonly #running = new Map<string, Promise<PlanStatus>>();
  readonly #stop = new AbortController();

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
   * Stores the plan, then starts its run, which goes on behind this call.
   *
   * @throws IndelibleError `team_not_found`, `plan_exists`, `invalid_id`, `store_unavailable`, `service_closed`
   */
  async start(task: Task): Promise<StartedRun> {
    if (this.#stop.signal.aborted) throw new IndelibleError('service_closed');
    const team = this.team(task.teamId);
    const plan = await this.#indelible.store.plans.create({
      planId: checkId(task.planId ?? uuidV7(), 'planId'),
      sessionId: task.sessionId ?? uuidV7(),
      userId: task.userId ?? nobody,
      teamId: team.id,
      description: task.description,
      status: 'in_progress',
      createdAt: this.#timestamp(),
    });
    const ended = this.#run(plan, team).finally(() => this.#running.delete(plan.planId));
    this.#running.set(plan.planId, ended);
    return { plan, ended };
  }

  /** Starts no more runs, asks those that run to stop, and waits for them, at most `timeoutMs`. */
  async close(timeoutMs = 5_000): Promise<void> {
    this.#stop.abort(new IndelibleError('service_closed'));
    let cancel = () => {};
    const timeout = new Promise<void>((resolve) => {
      cancel = this.#indelible.clock.schedule(timeoutMs, resolve);
    });
    await Promise.race([Promise.all(this.#running.values()), timeout]);
    cancel();
  }

  async #run(plan: Plan, team: Team): Promise<PlanStatus> {
    const { planId } = plan;
    const { observe } = this.#indelible;
    observe({ type: 'run_started', planId, teamId: team.id });
    this.#tell({ type: 'workflow_started', planId, timestamp: this.#timestamp(), text: plan.description });
    try {
      const result = await team.run(this.#context(plan));
      await this.#end(planId, result, 'completed');
      observe({ type: 'run_completed', planId, teamId: team.id });
      return 'completed';
    } catch (error) {
      observe({ type: 'run_failed', planId, teamId: team.id, error });
      await this.#fail(planId, error);
      return 'failed';
    }
  }

  #context(plan: Plan): RunContext {
    const { planId, sessionId, userId, description } = plan;
    return {
      planId,
      sessionId,
      userId,
      description,
      log: this.#indelible,
      signal: this.#stop.signal,
      say: (message) => this.#indelible.save({ ...message, planId }),
      progress: (step) =>
        this.#tell({
          type: 'progress_update',
          planId,
          timestamp: this.#timestamp(),
          currentStep: step.currentStep,
          totalSteps: step.totalSteps,
          currentAgent: step.agentName,
          agentStatus: 'working',
          stepDescription: step.description,
        }),
    };
  }

  async #fail(planId: string, error: unknown): Promise<void> {
    const reason = error instanceof Error ? error.message : String(error);
    const timestamp = this.#timestamp();
    this.#tell({
      type: 'error_notification',
      planId,
      timestamp,
      errorType: 'run_failed',
      errorMessage: reason,
      recoverable: false,
    });
    await this.#end(planId, { agentName: 'System', content: `The run failed: ${reason}` }, 'failed');
  }

  /**
   * The last message is saved before the plan is called ended: whoever reads an ended plan reads all of it. It is the
   * last frame too: clients close on it. The id is the plan's own, so that there is one end.
   */
  async #end(planId: string, result: FinalResult, status: PlanStatus): Promise<void> {
    const message: NewMessage = {
      planId,
      messageId: `final-${planId}`.slice(0, 256),
      agentName: result.agentName,
      content: result.content,
      type: 'final_result_message',
      metadata: { status },
    };
    this.#tell({ type: 'workflow_completed', planId, timestamp: this.#timestamp(), text: status });
    await this.#indelible.save(message);
    try {
      await this.#indelible.store.plans.change(planId, { status, updatedAt: this.#timestamp() });
    } catch (error) {
      this.#indelible.observe({ type: 'run_failed', planId, teamId: '', error });
    }
  }

  #tell(event: LiveEvent): void {
    this.#indelible.feed.publish(event);
  }

  #timestamp(): string {
    return new Date(this.#indelible.clock.now()).toISOString();
  }
}
