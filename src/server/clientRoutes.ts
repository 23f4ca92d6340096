import type { Context, Hono } from 'hono';
import { z } from 'zod';
import type { Indelible } from '../agents/indelible.ts';
import { IndelibleError } from '../protocol/errors.ts';
import { checkId } from '../protocol/message.ts';
import type { AppEnv } from './appEnv.ts';
import { callerAnswered } from './callerAnswered.ts';
import { detailAnswer } from './detail.ts';
import type { PersonAnswers } from './personAnswers.ts';
import { readBody } from './requestBody.ts';
import type { ServerLimits } from './serverLimits.ts';
import { withinDeadline } from './storeDeadline.ts';
import { userIdOf } from './userId.ts';

const principal = 'x-ms-client-principal-id';

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

export interface ClientRoutes {
  readonly indelible: Indelible;
  readonly people: PersonAnswers;
  readonly limits: ServerLimits;
}

/** The calls with which clients tell the server something. */
export function addClientRoutes(app: Hono<AppEnv>, { indelible, people, limits }: ClientRoutes): void {
  const { clock, store } = indelible;
  const { maxBodyBytes } = limits;

  /** Who answers, and when they have been told what came of it. */
  const caller = (c: Context<AppEnv>) => ({
    userId: userIdOf(c.req.header(principal), principal),
    callerAnswered: callerAnswered(c.env?.outgoing, clock),
  });

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
    if ('refusal' in read) return detailAnswer(read.refusal);
    const { m_plan_id, plan_id, approved, feedback } = read.body;
    const planId = plan_id ? checkId(plan_id, 'plan_id') : checkId(m_plan_id, 'm_plan_id');
    try {
      const taken = await people.take(planId, { approved, text: feedback ?? '', ...caller(c) }, 'approval');
      return c.json(
        taken.approved
          ? { status: 'processing', message: 'The plan is approved; the run goes on.' }
          : { status: 'rejected', message: 'The plan is rejected.' },
      );
    } catch (error) {
      return c.json({ status: 'error', message: whyNotTaken(error) });
    }
  });

  app.post('/api/v3/user_clarification', async (c) => {
    const read = await readBody(c.req.raw, userClarification, maxBodyBytes);
    if ('refusal' in read) return detailAnswer(read.refusal);
    const { plan_id, request_id, answer } = read.body;
    if (!plan_id) return detailAnswer({ status: 400, detail: 'plan_id is required' });
    const planId = checkId(plan_id, 'plan_id');
    const said = { text: answer ?? '', ...(request_id && { requestId: request_id }), ...caller(c) };
    try {
      const { plan } = await people.take(planId, said);
      const message = 'The answer is taken; the run goes on with it.';
      return c.json({ status: 'processing', session_id: plan.sessionId, message });
    } catch (error) {
      const message = whyNotTaken(error);
      const plan = await withinDeadline(clock, limits.storeDeadlineMs, store.plans.find(planId));
      return c.json({ status: 'error', session_id: plan?.sessionId ?? '', message });
    }
  });
}

/** In words, for clients that read a status and no codes. @throws whatever has nothing to do with what the run waits for */
function whyNotTaken(error: unknown): string {
  const codes = ['not_asked', 'already_answered', 'run_not_found'];
  if (IndelibleError.is(error) && codes.includes(error.code)) return error.message;
  throw error;
}
