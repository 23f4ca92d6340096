import type { Hono } from 'hono';
import { z } from 'zod';
import type { Indelible } from '../agents/indelible.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { AppEnv } from './appEnv.ts';
import { callerAnswered } from './callerAnswered.ts';
import { detailAnswer } from './detail.ts';
import type { PersonAnswers } from './personAnswers.ts';
import { planIdInPath } from './planIdInPath.ts';
import { readBody } from './requestBody.ts';
import type { ServerLimits } from './serverLimits.ts';
import { userIdOf } from './userId.ts';

const principal = 'x-ms-client-principal-id';

/** What answers a run: `approved`, `text`, or both. */
export const answerSchema = z
  .strictObject({
    request_id: z
      .string()
      .describe('The question that is meant: `request_id` in the metadata of its message. Left out: what is asked now')
      .optional(),
    approved: z.boolean().describe('Whether it approves').optional(),
    text: z.string().describe('The answer to a question, or what is said with an approval or rejection').optional(),
  })
  .refine(({ approved, text }) => approved !== undefined || text !== undefined, 'approved or text is needed');

export interface PeopleApi {
  readonly indelible: Indelible;
  readonly people: PersonAnswers;
  readonly limits: ServerLimits;
}

/**
 * What people say to runs, for callers that branch on codes: `POST /api/v1/plans/{plan_id}/answer` and `…/cancel`
 * (PROTOCOL.md). What cannot be done is an error with its code.
 */
export function mountPeopleApi(app: Hono<AppEnv>, { indelible, people, limits }: PeopleApi): void {
  app.post('/api/v1/plans/:plan_id/answer', async (c) => {
    const planId = planIdInPath(c);
    const read = await readBody(c.req.raw, answerSchema, limits.maxBodyBytes);
    if ('refusal' in read) return detailAnswer(read.refusal);
    const { request_id, approved, text } = read.body;
    try {
      const taken = await people.take(planId, {
        ...(request_id !== undefined && { requestId: request_id }),
        ...(approved !== undefined && { approved }),
        ...(text !== undefined && { text }),
        userId: userIdOf(c.req.header(principal), principal),
        callerAnswered: callerAnswered(c.env?.outgoing, indelible.clock),
      });
      const { requestId, kind } = taken.request;
      return c.json({ plan_id: planId, request_id: requestId, kind, approved: taken.approved });
    } catch (error) {
      return codedAnswer(planId, error);
    }
  });

  app.post('/api/v1/plans/:plan_id/cancel', async (c) => {
    const planId = planIdInPath(c);
    try {
      await people.cancel(planId);
      return c.json({ plan_id: planId, status: 'canceled' });
    } catch (error) {
      return codedAnswer(planId, error);
    }
  });
}

/** @throws whatever is no refusal of the call itself */
function codedAnswer(planId: string, error: unknown): Response {
  if (!IndelibleError.is(error) || error.status >= 500) throw error;
  const { code, message, remedy, status } = error;
  const body = { plan_id: planId, error: { code, message, remedy }, detail: message };
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
}
