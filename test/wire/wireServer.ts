import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openCheckpointer } from 'indelible/langgraph';
import { Indelible } from '../../src/agents/indelible.ts';
import type { IndelibleEvent } from '../../src/observe/events.ts';
import { Runner } from '../../src/runs/runner.ts';
import type { Team } from '../../src/runs/team.ts';
import { attach } from '../../src/server/attach.ts';
import type { ServerLimits } from '../../src/server/serverLimits.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../src/server/startServer.ts';
import type { Store } from '../../src/store/store.ts';
import { getJson, type Json, post } from '../server/http.ts';
import type { StoreUnderTest } from '../storesUnderTest.ts';

/** A server of /api/v3 on a database of its own, whichever it is. */
export interface WireServer {
  readonly indelible: Indelible;
  readonly store: Store;
  readonly url: string;
  /** `http://127.0.0.1:port/api/v3` */
  readonly api: string;
  readonly events: readonly IndelibleEvent[];
  /** The plan as `GET /plan` says it. */
  plan(planId: string): Promise<Json>;
  /** Starts a run; answers what `POST /process_request` did. */
  start(team: string, more?: Readonly<Record<string, unknown>>): Promise<Json>;
  /** Resolves when the plan has this status. */
  until(planId: string, ...statuses: readonly string[]): Promise<Json>;
  close(): Promise<void>;
}

export interface WireServerOptions {
  readonly teams: readonly [Team, ...Team[]];
  readonly limits?: Partial<ServerLimits>;
  readonly allowedOrigins?: readonly string[];
  /** So long the answers to approvals take to be written, in ms; what sockets are sent does not. */
  readonly slowAnswersMs?: number;
}

export async function wireServer(
  storeUnderTest: StoreUnderTest,
  { teams, slowAnswersMs, ...options }: WireServerOptions,
): Promise<WireServer> {
  const database = await storeUnderTest.create();
  const store = await database.open();
  const events: IndelibleEvent[] = [];
  const indelible = new Indelible(store, { observe: (event) => events.push(event) });
  const runner = new Runner(indelible, teams, { checkpointer: () => openCheckpointer(database.address) });
  const serve = slowAnswersMs === undefined ? startServer : slowServer(slowAnswersMs);
  const { url, close } = await serve({ indelible, runner, ...options, port: 0 });
  const api = `${url}/api/v3`;
  const plan = (planId: string) => getJson(`${api}/plan?plan_id=${encodeURIComponent(planId)}`);
  return {
    indelible,
    store,
    url,
    api,
    events,
    plan,
    async start(team, more = {}) {
      const response = await post(`${api}/process_request`, { description: 'Sum up', team_id: team, ...more });
      if (response.status !== 200) throw new Error(`answered ${response.status}: ${await response.text()}`);
      return await response.json();
    },
    async until(planId, ...statuses) {
      for (const startedAt = performance.now(); ; ) {
        const found = await plan(planId);
        if (statuses.includes(found.plan.status)) return found;
        if (performance.now() - startedAt > 15_000) {
          throw new Error(`the plan is ${found.plan.status}, not ${statuses}: ${JSON.stringify(found.messages)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async close() {
      await close();
      await runner.close(1_000);
      await indelible.close();
      await database.drop();
    },
  };
}

function slowServer(slowAnswersMs: number) {
  return async (options: ServerOptions): Promise<Pick<RunningServer, 'url' | 'close'>> => {
    const server = createServer();
    server.on('request', ({ url = '' }: IncomingMessage, response: ServerResponse) => {
      if (!url.endsWith('/plan_approval')) return;
      for (const part of ['write', 'end'] as const) {
        const now = response[part].bind(response) as (...parts: unknown[]) => unknown;
        response[part] = (...parts: unknown[]) => {
          setTimeout(() => now(...parts), slowAnswersMs);
          return (part === 'write' || response) as never;
        };
      }
    });
    const { close } = attach(server, options);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
  };
}
