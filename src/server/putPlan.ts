import { z } from 'zod';
import type { Indelible } from '../agents/indelible.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { Plan } from '../protocol/plan.ts';

/** Of the statuses, those that whoever runs the agents may give; the others are the runner's. */
export const putPlanSchema = z
  .strictObject({
    description: z.string().optional().meta({ description: 'What it is about' }),
    session_id: z.string().optional().meta({ description: 'Any string; several plans may share it' }),
    status: z.enum(['in_progress', 'completed', 'failed', 'canceled']).optional(),
  })
  .meta({ id: 'PlanChange', description: 'What is to be known of a plan' });

/**
 * Makes the plan, or changes the status of the one that is there: sent twice, it does what it did once. A plan that so
 * far only has messages is taken over.
 *
 * @throws IndelibleError `plan_exists` if there is one with another description or session
 */
export async function putPlan(
  indelible: Indelible,
  planId: string,
  { description, session_id: sessionId, status }: z.infer<typeof putPlanSchema>,
  userId: string,
): Promise<{ readonly plan: Plan; readonly created: boolean }> {
  const now = new Date(indelible.clock.now()).toISOString();
  const { plans } = indelible.store;
  try {
    const plan = await plans.create({
      planId,
      sessionId: sessionId ?? planId,
      userId,
      teamId: '',
      description: description ?? '',
      status: status ?? 'in_progress',
      createdAt: now,
    });
    return { plan, created: true };
  } catch (error) {
    if (!IndelibleError.is(error, 'plan_exists')) throw error;
  }
  const found = await plans.find(planId);
  if (found === undefined) throw new IndelibleError('plan_not_found', { field: 'plan_id' });
  refuseOther('description', description, found.description);
  refuseOther('session_id', sessionId, found.sessionId);
  if (status === undefined || status === found.status) return { plan: found, created: false };
  return { plan: await plans.change(planId, { status, updatedAt: now }), created: false };
}

function refuseOther(field: string, given: string | undefined, stored: string): void {
  if (given === undefined || given === stored) return;
  throw new IndelibleError('plan_exists', { message: `the plan exists with another ${field}`, field });
}
