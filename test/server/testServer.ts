import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Indelible, type IndelibleOptions, openIndelible } from '../../src/agents/indelible.ts';
import type { IndelibleEvent } from '../../src/observe/events.ts';
import { type Clock, systemClock } from '../../src/resilience/clock.ts';
import { Runner } from '../../src/runs/runner.ts';
import type { RunContext, Team } from '../../src/runs/team.ts';
import { attach } from '../../src/server/attach.ts';
import type { ServerLimits } from '../../src/server/serverLimits.ts';
import { startServer } from '../../src/server/startServer.ts';
import type { WebSocketManager } from '../../src/server/webSocketManager.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { Faults } from '../../src/testing/faults.ts';
import { withFaults } from '../../src/testing/faultyStore.ts';

export interface TestServerOptions {
  readonly limits?: Partial<ServerLimits>;
  readonly teams?: readonly [Team, ...Team[]];
  readonly allowedOrigins?: readonly string[];
  readonly insecure?: boolean;
  readonly clock?: Clock;
  /** Where messages wait on disk. Default: nowhere. */
  readonly spool?: string;
  readonly persistence?: NonNullable<IndelibleOptions['persistence']>;
  /** Serves on this HTTP server by `attach` instead of by `startServer`. */
  readonly on?: Server;
}

export interface TestServer {
  readonly indelible: Indelible;
  readonly runner: Runner;
  readonly store: Store;
  readonly faults: Faults;
  readonly sockets: WebSocketManager;
  readonly port: number;
  readonly url: string;
  /** `http://127.0.0.1:port/api/v3` */
  readonly api: string;
  readonly events: readonly IndelibleEvent[];
  /** Resolves when such an event has happened, or has before. */
  happened(type: IndelibleEvent['type'], count?: number): Promise<void>;
  /** Saves messages `<from>` to `<to>` of a plan, one after the other; all must be stored. */
  save(planId: string, from: number, to: number, content?: (place: number) => string): Promise<void>;
  close(): Promise<void>;
}

/** A server on a real SQLite file; everything is taken away when the test is over. */
export async function testServer(wanted: TestServerOptions = {}): Promise<TestServer> {
  const { limits, teams = [sayingTeam(3)], clock = systemClock, spool, persistence = {}, on, ...access } = wanted;
  const folder = mkdtempSync(join(tmpdir(), 'indelible-server-'));
  const faults = new Faults();
  const { store } = withFaults(openSqliteStore(join(folder, 'log.db')), faults);
  const events: IndelibleEvent[] = [];
  const waiting = new Set<() => void>();
  const observe = (event: IndelibleEvent) => {
    events.push(event);
    for (const look of waiting) look();
  };
  const options = { clock, observe, persistence };
  const indelible =
    spool === undefined ? new Indelible(store, options) : await openIndelible({ store, spool, ...options });
  const runner = new Runner(indelible, teams);
  const server = await listen({ indelible, runner, ...access, ...(limits && { limits }) }, on);
  onTestFinished(async () => {
    faults.heal();
    await server.close();
    await runner.close(1_000);
    await indelible.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    ...server,
    indelible,
    runner,
    store,
    faults,
    api: `${server.url}/api/v3`,
    events,
    happened: (type, count = 1) =>
      new Promise((resolve) => {
        const look = () => {
          if (events.filter((event) => event.type === type).length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    async save(planId, from, to, content = (place) => `message ${place}`) {
      for (let place = from; place <= to; place++) {
        const result = await indelible.save({ planId, agentName: 'Scribe', content: content(place) });
        if (result.status !== 'stored') throw new Error(`message ${place} is not stored`, { cause: result.error });
      }
    },
  };
}

async function listen(options: Parameters<typeof startServer>[0], on: Server | undefined) {
  if (on === undefined) return await startServer({ ...options, port: 0 });
  const attached = attach(on, options);
  await new Promise<void>((resolve) => on.listen(0, '127.0.0.1', resolve));
  const { port } = on.address() as AddressInfo;
  return { ...attached, port, url: `http://127.0.0.1:${port}` };
}

export function plainHttpServer(): Server {
  return createServer();
}

export function team(run: (context: RunContext) => Promise<string>, id = 'saying'): Team {
  return {
    id,
    name: `The ${id} team`,
    description: 'Says what the test wants',
    agents: [{ name: 'Scribe', description: 'Writes' }],
    run: async (context) => ({ agentName: 'Scribe', content: await run(context) }),
  };
}

/** Says so many messages of different kinds, one after the other, then ends. */
export function sayingTeam(count: number, id = 'saying'): Team {
  return team(async (context) => {
    for (let place = 1; place <= count; place++) {
      await context.say({
        agentName: place % 2 === 0 ? 'Critic' : 'Scribe',
        agentType: place % 3 === 0 ? 'tool' : 'agent',
        content: place % 4 === 0 ? '' : `message ${place}: "quoted" \\ \u0000 \ud800 🙂 \u202e`,
        metadata: { place, nested: { list: [1, null, 'two'] }, __proto__: { ignored: true } },
      });
    }
    return 'done';
  }, id);
}

/** A gate that a run waits at until the test opens it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
