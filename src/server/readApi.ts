import type { Hono } from 'hono';
import { z } from 'zod';
import type { Indelible } from '../agents/indelible.ts';
import { IndelibleError } from '../protocol/errors.ts';
import { checkId } from '../protocol/message.ts';
import type { AppEnv } from './appEnv.ts';
import { detailAnswer } from './detail.ts';
import { planIdInPath } from './planIdInPath.ts';
import { queryParameter, queryParameters } from './queryParameter.ts';
import { readBody } from './requestBody.ts';
import type { ServerLimits } from './serverLimits.ts';
import { withinDeadline } from './storeDeadline.ts';
import { userIdOf } from './userId.ts';
import { v3Plan } from './v3Plan.ts';

const principal = 'x-ms-client-principal-id';

/** Plans that may be named in one call. */
const maxNamedPlans = 100;

export const readSchema = z
  .strictObject({ sequence: z.int().min(0).meta({ description: 'The last message that was read' }) })
  .meta({ id: 'ReadUpTo', description: 'How far the caller has read' });

/**
 * How far a user has read: `PUT /api/v1/plans/{plan_id}/read` moves the caller's own position on, `GET /api/v1/plans`
 * lists plans with what is unread in each (PROTOCOL.md). Nobody sees or moves another user's position.
 */
export function mountReadApi(app: Hono<AppEnv>, indelible: Indelible, limits: ServerLimits): void {
  const { plans, readPositions } = indelible.store;
  const inTime = <T>(answer: Promise<T>) => withinDeadline(indelible.clock, limits.storeDeadlineMs, answer);

  app.put('/api/v1/plans/:plan_id/read', async (c) => {
    const planId = planIdInPath(c);
    const read = await readBody(c.req.raw, readSchema, limits.maxBodyBytes);
    if ('refusal' in read) return detailAnswer(read.refusal);
    const userId = userIdOf(c.req.header(principal), principal);
    if ((await inTime(plans.find(planId))) === undefined) throw new IndelibleError('plan_not_found');
    await inTime(indelible.markRead(userId, planId, read.body.sequence));
    const position = (await inTime(readPositions.unread(userId, [planId]))).get(planId);
    return c.json({ plan_id: planId, ...position });
  });

  app.get('/api/v1/plans', async (c) => {
    const sessionId = queryParameter(c.req.url, 'session_id');
    const named = queryParameters(c.req.url, 'plan_id').map((id) => checkId(id, 'plan_id'));
    if (named.length > maxNamedPlans) {
      const message = `plan_id is given more than ${maxNamedPlans} times`;
      throw new IndelibleError('invalid_request', { message, field: 'plan_id' });
    }
    const userId = userIdOf(c.req.header(principal), principal);
    const found = await inTime(
      plans.list({
        limit: limits.maxListedPlans,
        ...(sessionId !== undefined && { sessionId }),
        ...(named.length > 0 && { planIds: named }),
      }),
    );
    const planIds = found.map(({ planId }) => planId);
    const positions = await inTime(readPositions.unread(userId, planIds));
    return c.json(
      found.map((plan) => ({
        ...v3Plan(plan),
        message_count: plan.messageCount,
        ...positions.get(plan.planId),
      })),
    );
  });
}
