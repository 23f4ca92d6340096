import type { Indelible } from '../agents/indelible.ts';
import { type ErrorCode, IndelibleError } from '../protocol/errors.ts';
import type { Plan } from '../protocol/plan.ts';
import type { AnswerOutcome, PersonAnswer } from '../runs/answering.ts';
import type { Runner } from '../runs/runner.ts';
import type { RunRequest } from '../store/runRecords.ts';
import type { ServerLimits } from './serverLimits.ts';
import { withinDeadline } from './storeDeadline.ts';

export interface PersonAnswersOptions {
  readonly indelible: Indelible;
  readonly runner: Runner;
  readonly limits: ServerLimits;
}

/** An answer with which the run goes on. */
export interface TakenAnswer {
  readonly plan: Plan;
  readonly request: RunRequest;
  readonly approved: boolean;
}

/** Whoever cancels is answered when the run is over, if that does not take long: longer than the database may take. */
const cancelDeadlineMs = 4_000;

const refusals: Readonly<Record<Exclude<AnswerOutcome['outcome'], 'taken'>, ErrorCode>> = {
  answered: 'already_answered',
  not_asked: 'not_asked',
  no_run: 'run_not_found',
};

/** What people say to runs, by whichever call or socket it comes. */
export class PersonAnswers {
  readonly #options: PersonAnswersOptions;

  constructor(options: PersonAnswersOptions) {
    this.#options = options;
  }

  /**
   * Hands an answer to the run. `only`: it answers questions of this kind and no others, whatever is asked by the time it
   * comes; so an approval that is sent twice never answers the question after it.
   *
   * @throws IndelibleError `plan_not_found`, `run_not_found`, `not_asked`, `already_answered`, `store_unavailable`
   */
  async take(planId: string, answer: PersonAnswer, only?: RunRequest['kind']): Promise<TakenAnswer> {
    const { runner } = this.#options;
    const plan = await this.#plan(planId);
    const meant = await this.#meant(planId, answer, only);
    const given = await this.#inTime(runner.answer(planId, meant));
    if (given.outcome !== 'taken') throw new IndelibleError(refusals[given.outcome]);
    return { plan, request: given.request, approved: given.approved };
  }

  /** @throws IndelibleError `plan_not_found`, `run_not_found`, `run_ended`, `store_unavailable` */
  async cancel(planId: string): Promise<void> {
    const { indelible, runner } = this.#options;
    const outcome = await withinDeadline(indelible.clock, cancelDeadlineMs, runner.cancel(planId));
    if (outcome === 'no_run') {
      await this.#plan(planId);
      throw new IndelibleError('run_not_found');
    }
    if (outcome === 'ended') throw new IndelibleError('run_ended');
  }

  /** @throws IndelibleError `plan_not_found`, `store_unavailable` */
  async #plan(planId: string): Promise<Plan> {
    const plan = await this.#inTime(this.#options.indelible.store.plans.find(planId));
    if (plan === undefined) throw new IndelibleError('plan_not_found', { message: 'Plan not found', field: 'plan_id' });
    return plan;
  }

  /** Names the question that is meant, if that is known: clients of /api/v3 know it by the id of its message, too. */
  async #meant(planId: string, answer: PersonAnswer, only?: RunRequest['kind']): Promise<PersonAnswer> {
    if (only === undefined && answer.requestId === undefined) return answer;
    const run = await this.#inTime(this.#options.indelible.store.runs.find(planId));
    if (run === undefined) throw new IndelibleError('run_not_found');
    const { request } = run;
    if (only !== undefined && request?.kind !== only) throw new IndelibleError('not_asked');
    const isMeant = answer.requestId === undefined || answer.requestId === request?.messageId;
    return request !== undefined && isMeant ? { ...answer, requestId: request.requestId } : answer;
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    const { indelible, limits } = this.#options;
    return withinDeadline(indelible.clock, limits.storeDeadlineMs, answer);
  }
}
