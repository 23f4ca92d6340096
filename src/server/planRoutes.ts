import type { Hono } from 'hono';
import { z } from 'zod';
import type { Indelible } from '../agents/indelible.ts';
import type { Draft } from '../protocol/draft.ts';
import { v3RowView } from '../protocol/v3Frames.ts';
import type { Runner } from '../runs/runner.ts';
import { readAllText } from '../store/readAllText.ts';
import type { AppEnv } from './appEnv.ts';
import { detailAnswer } from './detail.ts';
import { LatestApprovalRequest } from './latestApprovalRequest.ts';
import { planMessages, streamedBody } from './planMessages.ts';
import { idParameter, queryParameter } from './queryParameter.ts';
import { readBody } from './requestBody.ts';
import type { ServerLimits } from './serverLimits.ts';
import { withinDeadline } from './storeDeadline.ts';
import { userIdOf } from './userId.ts';
import { v3Plan } from './v3Plan.ts';

const principal = 'x-ms-client-principal-id';

export interface PlanRoutes {
  readonly indelible: Indelible;
  readonly runner: Runner;
  readonly limits: ServerLimits;
  /** The wire form of a team that is there, else null. */
  readonly team: (teamId: string) => Record<string, unknown> | null;
}

const processRequest = z.object({
  description: z.string(),
  session_id: z.string().nullish(),
  team_id: z.string().nullish(),
});

/** Plans: started, listed, read. */
export function addPlanRoutes(app: Hono<AppEnv>, { indelible, runner, limits, team }: PlanRoutes): void {
  const { clock, store, feed } = indelible;
  const inTime = <T>(answer: Promise<T>) => withinDeadline(clock, limits.storeDeadlineMs, answer);

  /** The run starts at once; whether anybody watches it is another matter. */
  app.post('/api/v3/process_request', async (c) => {
    const read = await readBody(c.req.raw, processRequest, limits.maxBodyBytes);
    if ('refusal' in read) return detailAnswer(read.refusal);
    const { description, session_id, team_id } = read.body;
    const { plan } = await runner.start({
      description,
      userId: userIdOf(c.req.header(principal), principal),
      ...(typeof session_id === 'string' && { sessionId: session_id }),
      ...(team_id && { teamId: team_id }),
    });
    return c.json({ plan_id: plan.planId, status: 'created', session_id: plan.sessionId });
  });

  app.get('/api/v3/plans', async (c) => {
    const sessionId = queryParameter(c.req.url, 'session_id');
    const limit = limits.maxListedPlans;
    const plans = await inTime(store.plans.list(sessionId === undefined ? { limit } : { sessionId, limit }));
    return c.json(plans.map(v3Plan));
  });

  app.get('/api/v3/plan', async (c) => {
    const planId = idParameter(c.req.url, 'plan_id');
    if (typeof planId !== 'string') return detailAnswer(planId);
    const plan = await inTime(store.plans.find(planId));
    if (plan === undefined) return detailAnswer({ status: 404, detail: 'Plan not found' });
    const messages = readAllText(store.log, planId, v3RowView);
    const first = await inTime(messages.next());
    c.header('Content-Type', 'application/json');
    if (c.req.method === 'HEAD') {
      await messages.return();
      return c.body(null);
    }
    const request = new LatestApprovalRequest();
    const head = `{"plan":${JSON.stringify(v3Plan(plan))},"messages":[`;
    const tail = async () => {
      const mPlan = await request.mPlan(plan, (messageId) => inTime(store.log.find(planId, messageId)));
      const drafts = await inTime(feed.drafts(planId)).catch(() => []);
      return (
        `],"m_plan":${JSON.stringify(mPlan)},"team":${JSON.stringify(team(plan.teamId))}` +
        `,"streaming_message":${JSON.stringify(newestText(drafts))}}`
      );
    };
    const { incoming, outgoing } = c.env ?? {};
    // Said here, for else the adapter keeps the first piece back to see whether it is the last one.
    if (incoming?.httpVersion === '1.1') c.header('Transfer-Encoding', 'chunked');
    const cut = (error: unknown) => {
      indelible.observe({ type: 'request_failed', method: c.req.method, path: c.req.path, error });
      if (outgoing === undefined) throw error;
      outgoing.destroy();
    };
    // A client that stops reading would keep a page of the log in memory for ever.
    outgoing?.setTimeout(limits.drainTimeoutMs, () => outgoing.destroy());
    return c.body(
      streamedBody(planMessages({ head, first, rest: messages, tail, seen: (rows) => request.follow(rows) }), cut),
    );
  });
}

/** This API shows one answer at a time: the one that was written to last. */
function newestText(drafts: readonly Draft[]): string | null {
  const newest = drafts.reduce<Draft | undefined>(
    (latest, draft) => (latest === undefined || draft.updatedAt >= latest.updatedAt ? draft : latest),
    undefined,
  );
  return newest?.text ?? null;
}
