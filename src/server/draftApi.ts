import type { Hono } from 'hono';
import { z } from 'zod';
import { IndelibleError } from '../protocol/errors.ts';
import { nameSchema } from '../protocol/message.ts';
import type { AppEnv } from './appEnv.ts';
import { detailAnswer } from './detail.ts';
import { innerIdInPath, planIdInPath } from './planIdInPath.ts';
import type { RemoteDrafts } from './remoteDrafts.ts';
import { readBody } from './requestBody.ts';
import type { ServerLimits } from './serverLimits.ts';
import { wireError } from './wireError.ts';

export const draftSchema = z
  .strictObject({
    agent_name: nameSchema,
    text: z.string().meta({ description: 'The text from `offset` on; without an offset, the whole so far' }),
    offset: z.int().min(0).optional().meta({ description: 'The `length` that the last answer gave, or less' }),
  })
  .meta({ id: 'DraftText', description: 'What is new of an answer that is being written' });

/**
 * Answers that agents elsewhere are writing: `PUT /api/v1/plans/{plan_id}/drafts/{draft_id}` says the text so far, or what
 * is new of it; `DELETE` gives it up (PROTOCOL.md). The message of the same id takes its place.
 *
 * Guaranteed: a text that was answered 200 is on its way to watchers, and durable within 250 ms and a commit. 204 is only
 * answered when the draft is gone from the database.
 */
export function mountDraftApi(app: Hono<AppEnv>, drafts: RemoteDrafts, limits: ServerLimits): void {
  const path = '/api/v1/plans/:plan_id/drafts/:draft_id';

  app.put(path, async (c) => {
    const planId = planIdInPath(c);
    const draftId = innerIdInPath(c, 'draft_id');
    const read = await readBody(c.req.raw, draftSchema, limits.maxAppendBytes);
    if ('refusal' in read) return detailAnswer(read.refusal);
    const { agent_name: agentName, text, offset = 0 } = read.body;
    const ids = { plan_id: planId, draft_id: draftId };
    try {
      return c.json({ ...ids, length: drafts.put({ planId, draftId, agentName, text, offset }) });
    } catch (error) {
      if (!IndelibleError.is(error, 'draft_gap') && !IndelibleError.is(error, 'too_many_drafts')) throw error;
      const told = wireError(error);
      if (error.status === 429) c.header('Retry-After', '10');
      return c.json({ ...ids, error: told, detail: told.message }, error.status as 409 | 429);
    }
  });

  app.delete(path, async (c) => {
    await drafts.giveUp(planIdInPath(c), innerIdInPath(c, 'draft_id'));
    return c.body(null, 204);
  });
}
