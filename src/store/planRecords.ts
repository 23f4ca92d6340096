import type { Plan, PlanStatus, PlanStep } from '../protocol/plan.ts';

/**
 * What is known of each plan beside its messages. A plan that only has messages (nobody created it, somebody saved to
 * it) is a plan too: it reads with an empty description and the status `in_progress`.
 *
 * Strings are kept exactly, also such as no database text type can hold (NUL, lone surrogates).
 */
export interface PlanRecords {
  /** Throws `plan_exists` if it was created before. A plan that so far only has messages is taken over. */
  create(plan: NewPlan): Promise<Plan>;
  /** Changes what is given. Throws `plan_not_found`, also for a plan that only has messages: nobody created it. */
  change(planId: string, change: PlanChange): Promise<Plan>;
  find(planId: string): Promise<Plan | undefined>;
  /** Newest first. */
  list(filter: PlanFilter): Promise<readonly Plan[]>;
}

export type NewPlan = Pick<Plan, 'planId' | 'sessionId' | 'userId' | 'teamId' | 'description' | 'status' | 'createdAt'>;

export interface PlanChange {
  readonly status?: PlanStatus;
  readonly steps?: readonly PlanStep[];
  /** ISO 8601, UTC, `Z`. */
  readonly updatedAt: string;
}

export interface PlanFilter {
  readonly sessionId?: string;
  /** Only these; those that are not there are left out. */
  readonly planIds?: readonly string[];
  readonly limit: number;
}
