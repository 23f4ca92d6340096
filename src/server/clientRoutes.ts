import type { Hono } from 'hono';
import { z } from 'zod';
import { errorTable } from '../protocol/errors.ts';
import type { AppEnv } from './appEnv.ts';
import { detailAnswer } from './detail.ts';
import { readBody } from './requestBody.ts';
import type { ServerLimits } from './serverLimits.ts';

const browserLanguage = z.object({ language: z.string() });

const agentMessage = z.object({ plan_id: z.string(), agent: z.string(), content: z.string() });

const planApproval = z.object({
  m_plan_id: z.string(),
  approved: z.boolean(),
  feedback: z.string().nullish(),
  plan_id: z.string().nullish(),
});

const userClarification = z.object({
  plan_id: z.string().nullish(),
  request_id: z.string().nullish(),
  answer: z.string().nullish(),
  m_plan_id: z.string().nullish(),
});

/** The calls with which clients tell the server something. */
export function addClientRoutes(app: Hono<AppEnv>, { maxBodyBytes }: ServerLimits): void {
  const notYet = detailAnswer.bind(null, { status: 501, detail: errorTable.not_implemented.summary });

  /** The first call the web app makes; nothing here depends on the language. */
  app.post('/api/user_browser_language', async (c) => {
    const read = await readBody(c.req.raw, browserLanguage, maxBodyBytes);
    if ('refusal' in read) return detailAnswer(read.refusal);
    return c.json({ status: 'received', language: read.body.language });
  });

  /**
   * The web app posts back what it was sent, with changes of its own. It is in the log already: what comes here is
   * acknowledged and never stored.
   */
  app.post('/api/v3/agent_message', async (c) => {
    const read = await readBody(c.req.raw, agentMessage, maxBodyBytes);
    if ('refusal' in read) return detailAnswer(read.refusal);
    return c.json({ status: 'received' });
  });

  app.post('/api/v3/plan_approval', async (c) => {
    const read = await readBody(c.req.raw, planApproval, maxBodyBytes);
    return 'refusal' in read ? detailAnswer(read.refusal) : notYet();
  });

  app.post('/api/v3/user_clarification', async (c) => {
    const read = await readBody(c.req.raw, userClarification, maxBodyBytes);
    if ('refusal' in read) return detailAnswer(read.refusal);
    if (!read.body.plan_id) return detailAnswer({ status: 400, detail: 'plan_id is required' });
    return notYet();
  });
}
