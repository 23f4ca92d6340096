import type { Hono } from 'hono';
import { z } from 'zod';
import type { Indelible } from '../agents/indelible.ts';
import type { MessageChange } from '../persistence/messageUpdate.ts';
import type { StoredMessage } from '../protocol/message.ts';
import type { AppEnv } from './appEnv.ts';
import { detailAnswer } from './detail.ts';
import { innerIdInPath, planIdInPath } from './planIdInPath.ts';
import { readBody } from './requestBody.ts';
import type { ServerLimits } from './serverLimits.ts';
import { withinDeadline } from './storeDeadline.ts';
import { wireError } from './wireError.ts';

export const updateSchema = z
  .strictObject({
    version: z.int().min(1).meta({ description: 'The version that the change is based on; 1 if never updated' }),
    content: z.string().optional().meta({ description: 'The whole new content. Left out: it stays' }),
    // As it was parsed: zod's own records leave out a key named `__proto__`.
    metadata: z
      .unknown()
      .optional()
      .meta({ type: 'object', description: 'The whole new metadata. Left out: it stays' }),
  })
  .meta({ id: 'MessageUpdate', description: 'A change of a message: content, metadata, or both' });

/**
 * `PUT /api/v1/plans/{plan_id}/messages/{message_id}` changes a message that is stored, if it has the version that the
 * change is based on (PROTOCOL.md).
 *
 * Guaranteed: of all who change the same version, one is answered 200; the others get 409 with the message as it is now,
 * and can decide anew without reading.
 */
export function mountUpdateApi(app: Hono<AppEnv>, indelible: Indelible, limits: ServerLimits): void {
  app.put('/api/v1/plans/:plan_id/messages/:message_id', async (c) => {
    const planId = planIdInPath(c);
    const messageId = innerIdInPath(c, 'message_id');
    const read = await readBody(c.req.raw, updateSchema, limits.maxAppendBytes);
    if ('refusal' in read) return detailAnswer(read.refusal);
    const { version: expectedVersion, content, metadata } = read.body;
    const change = {
      expectedVersion,
      ...(content !== undefined && { content }),
      ...(metadata !== undefined && { metadata }),
    } as MessageChange;
    const updated = indelible.persistence.updateMessage(planId, messageId, change);
    const result = await withinDeadline(indelible.clock, limits.storeDeadlineMs, updated);
    if (result.status === 'updated') return answer(200, placed(result.message));
    const { error, message } = result;
    if (error.status >= 500) throw error;
    const told = wireError(error);
    if (error.status === 422) {
      const loc = told.field === undefined ? ['body'] : ['body', told.field];
      return detailAnswer({ status: 422, detail: [{ loc, msg: told.message, type: error.code }] });
    }
    const what = message === undefined ? JSON.stringify({ plan_id: planId, message_id: messageId }) : placed(message);
    const said = JSON.stringify({ error: told, detail: told.message });
    return answer(error.status, `${what.slice(0, -1)},${said.slice(1)}`);
  });
}

/** The message with its place; its bytes as they are stored. */
function placed({ planId, messageId, sequence, version, body }: StoredMessage): string {
  const ids = JSON.stringify({ plan_id: planId, message_id: messageId, sequence, version });
  return `${ids.slice(0, -1)},"message":${body}}`;
}

function answer(status: number, text: string): Response {
  return new Response(text, { status, headers: { 'content-type': 'application/json' } });
}
