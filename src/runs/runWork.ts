import type { Indelible } from '../agents/indelible.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { LiveEvent } from '../protocol/liveEvent.ts';
import type { Plan, PlanStatus } from '../protocol/plan.ts';
import type { RunRecord } from '../store/runRecords.ts';
import { CheckpointGuard } from './checkpointGuard.ts';
import { insist } from './insist.ts';
import { PersonAsked, PlanRejected } from './personAsked.ts';
import type { Answer, Question } from './question.ts';
import { answerId, answerMessage, answerOf, planApprovalId, questionMessage, requestOf } from './questions.ts';
import { runContext } from './runContext.ts';
import { RunEnd, reasonOf } from './runEnd.ts';
import { RunLog } from './runLog.ts';
import { storedSurely } from './storedSurely.ts';
import type { CheckpointSaver, FinalResult, Team, TeamPlan } from './team.ts';

/** So long a canceled team may take to stop before its plan is ended without it, in ms. */
const heedCancelMs = 3_000;

export interface RunWorkParts {
  readonly indelible: Indelible;
  readonly teams: readonly Team[];
  /** As it was taken. */
  readonly record: RunRecord;
  /** If it is known as it was when it was taken, or after that. */
  readonly plan: Plan | undefined;
  /** The work begins behind it. */
  readonly after: Promise<unknown> | undefined;
  /** This taking was worked on here before, and not brought to an end. */
  readonly wasLeft: boolean;
  /** Whether it is still this process's, when that is known. */
  readonly stillHeld: (stop: AbortSignal) => Promise<boolean>;
  /** Where graphs without a place of their own keep checkpoints. */
  readonly checkpointer: () => Promise<CheckpointSaver | undefined>;
}

/**
 * One taking of a run: from when this process took it to when it ended, waits for a person, or is another process's.
 *
 * - Whatever it changes of the run goes through the fence; a run that was lost stops, and nothing more is written of it.
 * - An answer's message is stored before the team hears the answer, a question's before the run waits, the last message
 *   before the plan is called ended.
 * - A run that is stopped with its process is left as it is where another process can go on with it, else it has failed.
 */
export class RunWork {
  readonly planId: string;
  readonly fence: number;
  readonly #parts: RunWorkParts;
  #known: Plan | undefined;
  readonly #stop = new AbortController();
  /** Aborted when not even the end may be waited for. */
  readonly #ending = new AbortController();
  readonly #end: RunEnd;
  readonly #guard: CheckpointGuard;
  #log: RunLog | undefined;
  #why: 'stopped' | 'lost' | 'canceled' | undefined;
  #asked: Question | undefined;

  constructor(parts: RunWorkParts) {
    const { indelible, record, stillHeld } = parts;
    this.planId = record.planId;
    this.fence = record.fence;
    this.#parts = parts;
    this.#known = parts.plan;
    const stop = this.#stop.signal;
    this.#end = new RunEnd(indelible, record, stop);
    this.#guard = new CheckpointGuard({ clock: indelible.clock, stop, stillHeld: () => stillHeld(stop) });
  }

  /** The process is to stop. */
  stop(reason: IndelibleError): void {
    this.#abort('stopped', reason);
    this.#ending.abort(reason);
  }

  /** The run is not this process's any more. */
  lose(): void {
    const reason = new IndelibleError('run_taken', { message: 'the run is not worked on here any more' });
    this.#log?.close();
    this.#why = 'lost';
    this.#stop.abort(reason);
    this.#ending.abort(reason);
  }

  /** A person wants it ended. */
  cancel(): void {
    this.#abort('canceled', new IndelibleError('run_canceled'));
  }

  /** Answers the plan's status as this process leaves it. Never rejects. */
  async toItsEnd(): Promise<PlanStatus> {
    try {
      return await this.#work();
    } catch (error) {
      // Stopped before all was stored: whoever takes it up goes on from there.
      if (!this.#stop.signal.aborted) this.#failed(error);
      return 'in_progress';
    }
  }

  #abort(why: 'stopped' | 'canceled', reason: IndelibleError): void {
    if (this.#why !== 'lost' && this.#why !== 'canceled') this.#why = why;
    this.#stop.abort(reason);
  }

  get #isLost(): boolean {
    return this.#why === 'lost';
  }

  get #isAgain(): boolean {
    return this.fence > 1 || this.#parts.wasLeft;
  }

  get #plan(): Plan {
    if (this.#known === undefined) throw new IndelibleError('plan_not_found');
    return this.#known;
  }

  async #work(): Promise<PlanStatus> {
    const { indelible, teams, record } = this.#parts;
    await this.#parts.after;
    this.#known ??= await insist(this.#patience, () => indelible.store.plans.find(this.planId));
    const plan = this.#plan;
    if (this.#isAgain) {
      const said = await this.#end.saidBefore();
      if (said !== undefined) return await this.#close(said);
    }
    if (record.cancelRequested || this.#why === 'canceled') return await this.#endCanceled();
    const team = teams.find(({ id }) => id === plan.teamId);
    if (team === undefined) return 'in_progress';
    const started = !this.#isAgain;
    indelible.observe({ type: started ? 'run_started' : 'run_resumed', planId: this.planId, teamId: team.id });
    if (started) {
      this.#tell({ type: 'workflow_started', planId: this.planId, timestamp: this.#now(), text: plan.description });
    }
    let result: FinalResult | undefined;
    let failure: unknown;
    try {
      if (record.request !== undefined && record.answer !== undefined) {
        await this.#store(answerMessage(this.planId, record.request, record.answer));
      }
      result = await this.#runTeam(team);
    } catch (error) {
      failure = error;
    }
    return await this.#settle(team, result, failure);
  }

  async #runTeam(team: Team): Promise<FinalResult> {
    const { indelible } = this.#parts;
    const plan = this.#plan;
    const signal = this.#stop.signal;
    signal.throwIfAborted();
    const description = await this.#approved(team);
    if (this.#hasBegun(team) && !(await this.#canGoOn(team))) {
      throw new IndelibleError('run_failed', { message: 'the process that worked on it died' });
    }
    if (team.needsApproval && plan.status !== 'in_progress') {
      const change = { status: 'in_progress', updatedAt: this.#now() } as const;
      if (!(await insist(this.#patience, () => indelible.store.runs.change(this.#parts.record, change)))) this.lose();
    }
    signal.throwIfAborted();
    const log = new RunLog(indelible, {
      planId: this.planId,
      isRepeatable: team.repeatable ?? false,
      isAgain: this.#isAgain,
      checkpointsStored: () => this.#guard.stored,
    });
    this.#log = log;
    const checkpoints = {
      saver: async (own?: CheckpointSaver) => {
        const saver = own ?? (await insist(this.#patience, () => this.#parts.checkpointer()));
        return saver === undefined ? undefined : this.#guard.around(saver);
      },
    };
    const ask = (question: Question) => this.#ask(team, question);
    const context = runContext(indelible, { plan, description, log, signal, checkpoints, ask });
    return checkResult(team, await this.#unlessDeaf(team.run(context)));
  }

  /** A canceled run does not wait for ever for a team that does not heed its signal. */
  async #unlessDeaf<T>(running: Promise<T>): Promise<T> {
    const { clock } = this.#parts.indelible;
    const signal = this.#stop.signal;
    let cancel = () => {};
    let stopped = () => {};
    const deaf = new Promise<never>((_, reject) => {
      stopped = () => {
        if (this.#why !== 'canceled') return;
        cancel = clock.schedule(heedCancelMs, () => reject(signal.reason));
      };
      if (signal.aborted) stopped();
      else signal.addEventListener('abort', stopped, { once: true });
    });
    try {
      return await Promise.race([running, deaf]);
    } finally {
      signal.removeEventListener('abort', stopped);
      cancel();
    }
  }

  /** The task, once it is approved where the team's definition demands that. */
  async #approved(team: Team): Promise<string> {
    const { description } = this.#plan;
    if (!team.needsApproval) return description;
    const { approved, text } = await this.#answerTo(planApprovalId, () => this.#planned(team));
    if (!approved) throw new PlanRejected(text);
    return text === '' ? description : `${description}\n\nFeedback on the plan: ${text}`;
  }

  async #planned(team: Team): Promise<Question> {
    const { planId, description } = this.#plan;
    const eachAgent = (): TeamPlan => ({
      steps: team.agents.map(({ name, description: action }) => ({ agent: name, action })),
    });
    const planning = team.plan?.({ planId, description, signal: this.#stop.signal });
    const planned = (planning && (await this.#unlessDeaf(planning))) ?? eachAgent();
    return { kind: 'approval', requestId: planApprovalId, facts: planned.facts ?? '', steps: planned.steps };
  }

  async #ask(team: Team, question: Question): Promise<Answer> {
    if (!(await this.#canGoOn(team))) {
      const message = `the team ${team.id} asks a person, but is neither repeatable nor keeps checkpoints`;
      throw new IndelibleError('run_failed', { message });
    }
    return await this.#answerTo(question.requestId, async () => question);
  }

  /** The answer to what was asked last stands in the record, those before it in the log. */
  async #answerTo(requestId: string, question: () => Promise<Question>): Promise<Answer> {
    const { indelible, record } = this.#parts;
    if (record.request?.requestId === requestId && record.answer !== undefined) return record.answer;
    const { messageId } = requestOf(this.planId, { requestId, kind: 'approval' } as Question);
    if (this.#isAgain) {
      const said = await insist(this.#patience, () => indelible.find(this.planId, answerId(this.planId, messageId)));
      const answer = said === undefined ? undefined : answerOf(said);
      if (answer !== undefined) return answer;
    }
    const asked = await question();
    this.#asked = asked;
    throw new PersonAsked(asked);
  }

  /** Whether the team may have done something already. */
  #hasBegun(team: Team): boolean {
    const { record } = this.#parts;
    const plan = this.#plan;
    if (!this.#isAgain) return false;
    // It waits, or waited, for the approval of its plan until the plan is called in progress.
    return !team.needsApproval || (plan.status === 'in_progress' && record.request !== undefined);
  }

  async #canGoOn(team: Team): Promise<boolean> {
    if (team.repeatable || team.keepsCheckpoints === 'own') return true;
    return team.keepsCheckpoints === 'given' && (await insist(this.#patience, this.#parts.checkpointer)) !== undefined;
  }

  async #settle(team: Team, result: FinalResult | undefined, failure: unknown): Promise<PlanStatus> {
    const { planId } = this;
    const { observe } = this.#parts.indelible;
    // What the team said without waiting for it stands before its question, and before its end.
    if (this.#why === undefined) await this.#log?.handedOver();
    if (this.#isLost) return 'in_progress';
    if (this.#why === 'canceled') return await this.#endCanceled();
    try {
      if (this.#asked !== undefined) return await this.#wait(team, this.#asked);
      if (failure instanceof PlanRejected) return await this.#endRejected(failure);
      if (result === undefined) throw failure;
      const status = await this.#saveLast(result, 'completed');
      const left = await this.#close(status);
      if (left === 'completed') observe({ type: 'run_completed', planId, teamId: team.id });
      return left;
    } catch (error) {
      const { signal } = this.#stop;
      // A run that was done, and whose end the process has no time left to store, has not failed; nor has one that others
      // can go on with.
      if (this.#isLost || (signal.aborted && (result !== undefined || (await this.#othersGoOn(team))))) {
        return 'in_progress';
      }
      this.#failed(error);
      return await this.#endFailed(signal.aborted ? signal.reason : error);
    }
  }

  async #othersGoOn(team: Team): Promise<boolean> {
    if (team.needsApproval && !this.#hasBegun(team) && this.#log === undefined) return true;
    try {
      return await this.#canGoOn(team);
    } catch {
      return true; // whoever takes it up finds out
    }
  }

  async #wait(team: Team, question: Question): Promise<PlanStatus> {
    const { indelible } = this.#parts;
    const plan = this.#plan;
    this.#log?.close();
    await this.#store(questionMessage(plan, team, question), 'may differ');
    const status = question.kind === 'approval' ? 'pending_approval' : 'pending_clarification';
    const request = requestOf(this.planId, question);
    const asked = await insist(this.#patience, () =>
      indelible.store.runs.ask(this.#parts.record, request, status, this.#now()),
    );
    if (!asked) return this.#why === 'canceled' ? await this.#endCanceled() : 'in_progress';
    indelible.observe({ type: 'run_waits', planId: this.planId, teamId: team.id, kind: question.kind });
    return status;
  }

  async #endCanceled(): Promise<PlanStatus> {
    this.#log?.close();
    const { teamId } = this.#plan;
    // One that does not give up because the team was stopped.
    const end = new RunEnd(this.#parts.indelible, this.#parts.record, this.#ending.signal);
    const last = { agentName: 'System', content: 'The run was canceled.' };
    const left = await this.#close(await this.#saveLast(last, 'canceled', end), end);
    if (left === 'canceled') this.#parts.indelible.observe({ type: 'run_canceled', planId: this.planId, teamId });
    return left;
  }

  async #endRejected({ feedback }: PlanRejected): Promise<PlanStatus> {
    const why = feedback === '' ? '.' : `: ${feedback}`;
    const last = { agentName: 'System', content: `The plan was rejected${why}` };
    return await this.#close(await this.#saveLast(last, 'rejected'));
  }

  async #endFailed(error: unknown): Promise<PlanStatus> {
    const { planId } = this;
    const errorMessage = reasonOf(error);
    const timestamp = this.#now();
    const fields = { planId, timestamp, errorType: 'run_failed', errorMessage, recoverable: false };
    this.#tell({ type: 'error_notification', ...fields });
    let status: PlanStatus = 'failed';
    try {
      status = await this.#saveLast({ agentName: 'System', content: `The run failed: ${errorMessage}` }, 'failed');
    } catch (cause) {
      // The run is over all the same.
      this.#failed(cause);
      if (this.#stop.signal.aborted) return 'in_progress';
    }
    return await this.#close(status);
  }

  /** The last message is the last frame too: clients close on it. */
  async #saveLast(result: FinalResult, status: PlanStatus, end = this.#end): Promise<PlanStatus> {
    this.#tell({ type: 'workflow_completed', planId: this.planId, timestamp: this.#now(), text: status });
    return await end.saveLast(result, status);
  }

  async #close(status: PlanStatus, end = this.#end): Promise<PlanStatus> {
    return (await end.changeStatus(status)) ? status : 'in_progress';
  }

  async #store(message: Parameters<typeof storedSurely>[1], which?: 'may differ'): Promise<void> {
    const { indelible } = this.#parts;
    try {
      await storedSurely(indelible, message, this.#stop.signal);
    } catch (error) {
      // Planned anew, or answered in other words, by a process that died before this: what is stored was read.
      if (which === undefined || !IndelibleError.is(error, 'message_conflict')) throw error;
    }
  }

  #failed(error: unknown): void {
    const teamId = this.#known?.teamId ?? '';
    this.#parts.indelible.observe({ type: 'run_failed', planId: this.planId, teamId, error });
  }

  get #patience() {
    return { clock: this.#parts.indelible.clock, stop: this.#stop.signal };
  }

  #tell(event: LiveEvent): void {
    this.#parts.indelible.feed.publish(event);
  }

  #now(): string {
    return new Date(this.#parts.indelible.clock.now()).toISOString();
  }
}

/** A team may come from where types do not reach. */
function checkResult(team: Team, result: FinalResult | undefined): FinalResult {
  if (typeof result?.agentName === 'string' && typeof result.content === 'string') return result;
  const message = `the team ${team.id} answered no final result {agentName, content}`;
  throw new IndelibleError('run_failed', { message });
}
