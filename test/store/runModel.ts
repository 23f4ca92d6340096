import { IndelibleError } from '../../src/protocol/errors.ts';
import type { PlanStatus } from '../../src/protocol/plan.ts';
import { notJoined } from '../../src/store/runDecisions.ts';
import type { Answered, Canceled, HeldRun, RunAnswer, RunRecord, RunRequest } from '../../src/store/runRecords.ts';

type Run = { -readonly [Member in keyof RunRecord]: RunRecord[Member] };

/** What {@link RunRecords} promises, of calls that come one after the other. */
export class RunModel {
  readonly owners = new Map<string, number>();
  readonly statuses = new Map<string, PlanStatus>();
  readonly #runs = new Map<string, Run>();
  readonly #teams = new Map<string, string>();

  begin(planId: string, teamId: string, owner: string): void {
    this.#check(owner);
    if (this.#runs.has(planId)) throw new IndelibleError('plan_exists');
    const nothing = { request: undefined, answer: undefined, cancelRequested: false };
    this.#runs.set(planId, { planId, state: 'working', owner, fence: 1, ...nothing });
    this.#teams.set(planId, teamId);
    this.statuses.set(planId, 'pending');
  }

  find(planId: string): RunRecord | undefined {
    const run = this.#runs.get(planId);
    return run && { ...run };
  }

  beat(owner: string): boolean {
    const beat = this.owners.get(owner);
    if (beat !== undefined) this.owners.set(owner, beat + 1);
    return beat !== undefined;
  }

  bury(owner: string, beat: number): boolean {
    const isDead = this.owners.get(owner) === beat;
    if (isDead) this.leave(owner);
    return isDead;
  }

  leave(owner: string): void {
    this.owners.delete(owner);
    for (const run of this.#runs.values()) if (run.owner === owner) run.owner = undefined;
  }

  take(owner: string, teamIds: readonly string[], limit: number): RunRecord[] {
    this.#check(owner);
    const isFree = (run: Run) => run.state === 'working' && run.owner === undefined;
    const free = [...this.#runs.values()].filter((run) => isFree(run) && teamIds.includes(this.#teamOf(run)));
    return free.slice(0, limit).map((run) => this.#take(run, owner));
  }

  held(owner: string): RunRecord[] {
    return [...this.#runs.values()].filter((run) => run.owner === owner).map((run) => ({ ...run }));
  }

  change(held: HeldRun, status: PlanStatus): boolean {
    const run = this.#held(held);
    if (run !== undefined) this.statuses.set(held.planId, status);
    return run !== undefined;
  }

  ask(held: HeldRun, request: RunRequest, status: PlanStatus): boolean {
    const run = this.#held(held);
    if (run === undefined) {
      const now = this.#runs.get(held.planId);
      return now?.state === 'waiting' && now.fence === held.fence && now.request?.requestId === request.requestId;
    }
    if (run.cancelRequested) return false;
    Object.assign(run, { state: 'waiting', owner: undefined, request, answer: undefined });
    this.statuses.set(held.planId, status);
    return true;
  }

  answer(planId: string, answer: RunAnswer, owner: string, status: PlanStatus): Answered {
    const run = this.#runs.get(planId);
    if (run === undefined) return { outcome: 'no_run' };
    if (run.answer?.requestId === answer.requestId) {
      const isSame = run.answer.answerId === answer.answerId;
      return isSame ? { outcome: 'taken', run: { ...run } } : { outcome: 'answered' };
    }
    if (run.state !== 'waiting' || run.request?.requestId !== answer.requestId) return { outcome: 'not_asked' };
    this.#check(owner);
    run.answer = answer;
    this.statuses.set(planId, status);
    return { outcome: 'taken', run: this.#take(run, owner) };
  }

  end(held: HeldRun, status: PlanStatus): boolean {
    const run = this.#held(held);
    if (run === undefined) {
      const now = this.#runs.get(held.planId);
      return now?.state === 'ended' && now.fence === held.fence;
    }
    Object.assign(run, { state: 'ended', owner: undefined });
    this.statuses.set(held.planId, status);
    return true;
  }

  cancel(planId: string, owner: string): Canceled | undefined {
    const run = this.#runs.get(planId);
    if (run === undefined) return undefined;
    if (run.state === 'ended') return { outcome: 'ended' };
    if (run.owner === undefined) this.#check(owner);
    run.cancelRequested = true;
    return run.owner === undefined ? { outcome: 'taken', run: this.#take(run, owner) } : { outcome: 'noted' };
  }

  #check(owner: string): void {
    if (!this.owners.has(owner)) throw notJoined(owner);
  }

  #take(run: Run, owner: string): RunRecord {
    return { ...Object.assign(run, { state: 'working', owner, fence: run.fence + 1 }) };
  }

  #held({ planId, fence }: HeldRun): Run | undefined {
    const run = this.#runs.get(planId);
    return run?.state === 'working' && run.owner !== undefined && run.fence === fence ? run : undefined;
  }

  #teamOf({ planId }: Run): string {
    return this.#teams.get(planId) ?? '';
  }
}
