import type { Plan, PlanStatus } from '../protocol/plan.ts';

/** The plan object of /api/v3, in wire spelling. */
export function v3Plan(plan: Plan): Record<string, unknown> {
  return {
    id: plan.planId,
    plan_id: plan.planId,
    session_id: plan.sessionId,
    user_id: plan.userId,
    description: plan.description,
    initial_goal: plan.description,
    status: plan.status,
    overall_status: overallStatusOf(plan.status),
    steps: plan.steps.map(({ id, description, agent, status, result }) => ({ id, description, agent, status, result })),
    created_at: plan.createdAt,
    updated_at: plan.updatedAt,
    timestamp: plan.createdAt,
    data_type: 'plan',
  };
}

type OverallStatus = 'in_progress' | 'approved' | 'completed' | 'failed' | 'canceled';

const overallStatus: Record<PlanStatus, OverallStatus> = {
  pending: 'in_progress',
  pending_approval: 'in_progress',
  in_progress: 'approved',
  approved: 'approved',
  pending_clarification: 'approved',
  rejected: 'canceled',
  completed: 'completed',
  failed: 'failed',
  canceled: 'canceled',
};

/**
 * What the web app acts on. It shows an approval dialog while this is `in_progress`, so a run that needs no approval is
 * `approved` from its start.
 */
export function overallStatusOf(status: PlanStatus): OverallStatus {
  return overallStatus[status];
}
