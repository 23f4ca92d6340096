import { Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import type { Indelible } from '../agents/indelible.ts';
import type { Runner } from '../runs/runner.ts';
import type { AccessPolicy } from './accessPolicy.ts';
import type { AppEnv } from './appEnv.ts';
import { mountAppendApi } from './appendApi.ts';
import { addClientRoutes } from './clientRoutes.ts';
import { detailAnswer, refusalOf } from './detail.ts';
import { mountDraftApi } from './draftApi.ts';
import { addHealthRoutes } from './healthRoutes.ts';
import { LiveClients } from './liveClients.ts';
import { addLiveRoutes } from './liveRoutes.ts';
import { mountOpenApi } from './openApi/mountOpenApi.ts';
import { mountPeopleApi } from './peopleApi.ts';
import { PersonAnswers } from './personAnswers.ts';
import { addPlanRoutes } from './planRoutes.ts';
import { mountReadApi } from './readApi.ts';
import { RemoteDrafts } from './remoteDrafts.ts';
import { answerHeaders, onlyAllowedOrigins, onlyJson, onlyKnownHosts } from './requestGuards.ts';
import type { ServerLimits } from './serverLimits.ts';
import { addTeamRoutes } from './teamRoutes.ts';
import { mountUpdateApi } from './updateApi.ts';
import { v3Team } from './v3Team.ts';

export interface V3AppOptions {
  readonly indelible: Indelible;
  readonly runner: Runner;
  readonly access: AccessPolicy;
  readonly limits: ServerLimits;
  /** Where event streams are counted, and ended from. Default: their own count. */
  readonly clients?: LiveClients;
}

/** The REST side of /api/v3 and /api/v1. Whatever goes wrong, and wherever, the answer is `{"detail": …}`. */
export function v3App(options: V3AppOptions): Hono<AppEnv> {
  const { indelible, runner, access, limits, clients = new LiveClients(indelible.clock, limits) } = options;
  const app = new Hono<AppEnv>();
  const { draftSilenceMs: silenceMs, storeDeadlineMs } = limits;
  const drafts = new RemoteDrafts({ indelible, silenceMs, storeDeadlineMs });
  const people = new PersonAnswers({ indelible, runner, limits });
  const since = new Date(indelible.clock.now()).toISOString();
  const team = (teamId: string) => {
    const found = runner.teams.find(({ id }) => id === teamId);
    return found === undefined ? null : v3Team(found, since);
  };
  app.onError((error, c) => {
    const refusal = refusalOf(error);
    if (refusal.status >= 500) {
      indelible.observe({ type: 'request_failed', method: c.req.method, path: c.req.path, error });
    }
    return detailAnswer(refusal);
  });
  app.notFound(() => detailAnswer({ status: 404, detail: 'Not found' }));
  app.use(answerHeaders, onlyKnownHosts(access), onlyAllowedOrigins(access), onlyJson);
  app.use(methodNotAllowed({ app, onMethodNotAllowed: (_c, methods) => methodRefused(methods) }));
  addPlanRoutes(app, { indelible, runner, limits, team });
  addTeamRoutes(app, runner, team);
  addClientRoutes(app, { indelible, people, limits });
  addHealthRoutes(app, indelible);
  mountAppendApi(app, indelible, drafts, limits);
  mountUpdateApi(app, indelible, limits);
  mountDraftApi(app, drafts, limits);
  addLiveRoutes(app, { indelible, clients, limits });
  mountPeopleApi(app, { indelible, people, limits });
  mountReadApi(app, indelible, limits);
  mountOpenApi(app);
  app.get('/api/v3/socket/:plan_id', () =>
    detailAnswer({ status: 426, detail: 'This is a WebSocket', headers: { Upgrade: 'websocket' } }),
  );
  return app;
}

function methodRefused(methods: readonly string[]): Response {
  const allow = methods.join(', ');
  return detailAnswer({ status: 405, detail: `This call takes ${allow}`, headers: { Allow: allow } });
}
