import { Indelible, type LogOptions } from '../../src/agents/indelible.ts';
import { Runner } from '../../src/runs/runner.ts';
import type { RunContext } from '../../src/runs/team.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../src/server/startServer.ts';
import type { Store } from '../../src/store/store.ts';
import type { WireRow } from '../../src/testing/index.ts';
import type { Database, StoreUnderTest } from '../storesUnderTest.ts';

/** Everything there is, for real: a database, a log on it, a server with sockets, and a team that does as it is told. */
export class Scene {
  readonly database: Database;
  readonly indelible: Indelible;
  readonly runner: Runner;
  readonly server: RunningServer;
  /** Another connection to the database. */
  readonly reader: Store;
  /** What the team does, by the description of the task. */
  readonly tasks: Map<string, (context: RunContext) => Promise<unknown>>;

  private constructor(given: Pick<Scene, 'database' | 'indelible' | 'runner' | 'server' | 'reader' | 'tasks'>) {
    this.database = given.database;
    this.indelible = given.indelible;
    this.runner = given.runner;
    this.server = given.server;
    this.reader = given.reader;
    this.tasks = given.tasks;
  }

  static async open(
    { create }: StoreUnderTest,
    options: LogOptions & { readonly limits?: ServerOptions['limits'] } = {},
  ): Promise<Scene> {
    const database = await create();
    const indelible = new Indelible(await database.open(), options);
    const tasks: Scene['tasks'] = new Map();
    const runner = new Runner(indelible, [scriptedTeam(tasks)]);
    const server = await startServer({ indelible, runner, host: '127.0.0.1', port: 0, limits: options.limits });
    return new Scene({ database, indelible, runner, server, reader: await database.open(), tasks });
  }

  async close(): Promise<void> {
    await this.runner.close();
    await this.server.close();
    await this.indelible.close();
    await this.database.drop();
  }

  /** The answer of `GET /api/v3/plan`, and the text of its messages. */
  async getPlan(planId: string): Promise<PlanAnswer> {
    const response = await fetch(`${this.server.url}/api/v3/plan?plan_id=${encodeURIComponent(planId)}`);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`GET /plan answered ${response.status} ${text.slice(0, 500)}`);
    return { ...JSON.parse(text), text };
  }

  /** `POST /api/v3/process_request`; answers the plan id. */
  readonly postTask = async (description: string): Promise<string> => {
    const response = await fetch(`${this.server.url}/api/v3/process_request`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ description }),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`POST /process_request answered ${response.status} ${text}`);
    return (JSON.parse(text) as { plan_id: string }).plan_id;
  };
}

export interface PlanAnswer {
  readonly text: string;
  readonly plan: { readonly plan_id: string; readonly status: string; readonly overall_status: string };
  readonly messages: readonly WireRow[];
  readonly m_plan: unknown;
  readonly team: unknown;
  readonly streaming_message: string | null;
}

/** The final result a scripted run has. */
export const finalResult = { agentName: 'Team', content: 'done' };

export function scriptedTeam(tasks: Scene['tasks']) {
  return {
    id: 'scripted',
    name: 'Scripted',
    description: 'Does what the test says',
    agents: [{ name: 'Team', description: 'all of them' }],
    async run(context: RunContext) {
      await tasks.get(context.description)?.(context);
      return finalResult;
    },
  };
}
