import type { Hono } from 'hono';
import { z } from 'zod';
import type { Indelible } from '../agents/indelible.ts';
import type { SaveResult } from '../persistence/saveResult.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { AppEnv } from './appEnv.ts';
import { type AppendedMessage, appendedMessages, appendSchema } from './appendedMessages.ts';
import { detailAnswer } from './detail.ts';
import { planIdInPath } from './planIdInPath.ts';
import { putPlan, putPlanSchema } from './putPlan.ts';
import type { RemoteDrafts } from './remoteDrafts.ts';
import { readBody } from './requestBody.ts';
import type { ServerLimits } from './serverLimits.ts';
import { withinDeadline } from './storeDeadline.ts';
import { userIdOf } from './userId.ts';
import { v3Plan } from './v3Plan.ts';
import { wireError, wireErrorSchema } from './wireError.ts';

/** What became of one message. */
export const appendAnswerSchema = z
  .object({
    message_id: z.string().meta({ description: 'As it was given, or as the server made it' }),
    status: z.enum(['stored', 'spooled', 'pending', 'refused']).meta({
      description:
        '`stored`: it is in the database. `spooled`: it is on the disk of the server, flushed, and is stored when the ' +
        'database is back. `pending`: it waits in the memory of the server: send it again. `refused`: not stored',
    }),
    sequence: z.int().min(1).optional().meta({ description: 'Its place in the plan, if it is stored' }),
    duplicate: z.boolean().optional().meta({ description: 'It was there before, with the same content' }),
    error: wireErrorSchema.optional(),
  })
  .meta({ id: 'Appended', description: 'What became of a message' });

type AppendAnswer = z.infer<typeof appendAnswerSchema>;

/**
 * Messages of agents that run elsewhere: `POST /api/v1/plans/{plan_id}/messages` appends one or a batch, in order;
 * `PUT /api/v1/plans/{plan_id}` says what the plan is about and how it ended (PROTOCOL.md).
 *
 * Guaranteed to the caller: a message answered `stored` is in the database. A request that is wrong in any place stores
 * nothing; one that came through answers for each of its messages, and its status is 200 only if all are stored. To send
 * the same again is safe if the messages have ids; the answer names those that the server made.
 *
 * What would break it: answering before the save has, or storing half of a request and answering with one error.
 */
export function mountAppendApi(
  app: Hono<AppEnv>,
  indelible: Indelible,
  drafts: RemoteDrafts,
  limits: ServerLimits,
): void {
  app.post('/api/v1/plans/:plan_id/messages', async (c) => {
    const planId = planIdInPath(c);
    const read = await readBody(c.req.raw, appendSchema, limits.maxAppendBytes);
    if ('refusal' in read) return detailAnswer(read.refusal);
    const appended = appendedMessages(read.body, planId, indelible.clock.now);
    if ('refusal' in appended) return detailAnswer(appended.refusal);
    const answers = await saveAll(indelible, drafts, appended.messages);
    const status = statusOf(answers, appended.batch);
    if (status === 503) c.header('Retry-After', '1');
    const [only] = answers;
    if (appended.batch) return c.json({ plan_id: planId, results: answers }, status);
    return c.json({ plan_id: planId, ...only, ...(only?.error && { detail: only.error.message }) }, status);
  });

  app.put('/api/v1/plans/:plan_id', async (c) => {
    const planId = planIdInPath(c);
    const read = await readBody(c.req.raw, putPlanSchema, limits.maxAppendBytes);
    if ('refusal' in read) return detailAnswer(read.refusal);
    const userId = userIdOf(c.req.header('x-ms-client-principal-id'), 'x-ms-client-principal-id');
    const put = putPlan(indelible, planId, read.body, userId);
    const { plan, created } = await withinDeadline(indelible.clock, limits.storeDeadlineMs, put);
    return c.json(v3Plan(plan), created ? 201 : 200);
  });
}

/** All are handed over before the first is waited for, so they stand in their order and share a commit. */
function saveAll(
  indelible: Indelible,
  drafts: RemoteDrafts,
  messages: readonly AppendedMessage[],
): Promise<AppendAnswer[]> {
  return Promise.all(
    messages.map(async (message) => {
      const { planId, messageId, content } = message;
      drafts.finish(planId, messageId, content);
      return answerTo(messageId, await indelible.save(message));
    }),
  );
}

function answerTo(messageId: string, result: SaveResult): AppendAnswer {
  if (result.status === 'stored') {
    const { sequence } = result.message;
    return { message_id: messageId, status: 'stored', sequence, duplicate: result.duplicate };
  }
  return { message_id: messageId, status: result.status, error: wireError(result.error) };
}

/**
 * 200 if all are stored, 202 if all are stored or spooled. 503 if to send the same again may help: what is stored by then
 * answers `duplicate`. Else of a single message the status of its error, of a batch 207: the results say which.
 */
function statusOf(answers: readonly AppendAnswer[], batch: boolean): 200 | 202 | 207 | 409 | 413 | 422 | 500 | 503 {
  const failures = answers.flatMap(({ error }) => (error === undefined ? [] : [new IndelibleError(error.code).status]));
  if (failures.length === 0) return 200;
  if (failures.includes(503)) return 503;
  if (failures.every((status) => status === 202)) return 202;
  return batch ? 207 : (failures[0] as 409 | 413 | 422 | 500);
}
