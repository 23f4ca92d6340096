import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '../../src/store/openStore.ts';
import { oneTo, sample } from '../../src/testing/contract/sampleMessages.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { History, type ReadMessage } from '../../src/testing/history.ts';
import { RemoteAgent } from '../postgres/remoteAgent.ts';
import { RemoteWatcher } from '../postgres/remoteWatcher.ts';
import { ServerProcess } from '../postgres/serverProcess.ts';
import { rowsOf } from '../postgres/violationsOf.ts';

export interface RestartsOptions {
  /** What `--store` takes. */
  readonly store: string;
  readonly restarts: number;
  readonly seed: number;
  /** The database is away from before each SIGTERM until the process is gone. */
  readonly outage?: Outage;
  /** For a control: how a server is ended instead of by SIGTERM. */
  readonly end?: (server: ServerProcess) => Promise<number | null>;
}

export interface Outage {
  begin(): Promise<unknown>;
  end(): Promise<unknown>;
}

const planIds = ['a', 'b', 'c'];
const drainedWithinMs = 20_000;

/**
 * Two servers on one database are restarted in turn by SIGTERM, again and again, while agents append and watchers are
 * connected to both. Answers what does not hold in the end, how the servers ended, how long the slowest took, in ms, and
 * with which codes sockets were closed.
 */
export async function restartInTurn({
  store,
  restarts,
  seed,
  outage,
  end = (server) => server.stop(),
}: RestartsOptions) {
  const random = new SeededRandom(seed);
  const history = new History();
  await makeTables(store);
  const servers = await Promise.all(oneTo(2).map(() => ServerProcess.start({ store })));
  try {
    // Each stays with one server, so that both have sockets whenever they are told to end.
    const watchers = servers.flatMap((server, index) =>
      planIds.map((planId) => new RemoteWatcher(`watcher ${planId}${index}`, planId, [server], history, random)),
    );
    await Promise.all(watchers.map((watcher) => watcher.begin()));
    const load = new RemoteLoad(servers, history, random);
    const codes: (number | null)[] = [];
    let slowestMs = 0;
    for (let restart = 0; restart < restarts; restart++) {
      await load.goesOn(10);
      const server = servers[restart % 2] as ServerProcess;
      const connected = watchers.filter((_, index) => Math.floor(index / planIds.length) === restart % 2);
      await Promise.all(connected.map((watcher) => watcher.isThere()));
      await outage?.begin();
      await sleep(random.below(50));
      const began = performance.now();
      codes.push(await end(server));
      slowestMs = Math.max(slowestMs, performance.now() - began);
      await outage?.end();
      await server.start();
    }
    await load.stop();
    const rows = await drainedRowsOf(history, store);
    await Promise.all(
      watchers.map((watcher) => watcher.end(rows.filter(({ planId }) => planId === watcher.planId).length)),
    );
    const closeCodes = watchers.flatMap((watcher) => watcher.closeCodes);
    return { violations: history.violations(rows), counts: history.counts(), codes, slowestMs, closeCodes };
  } finally {
    await Promise.all(servers.map((server) => server.kill()));
  }
}

/** Agents that append, each to the server of its own, until they are told to stop. */
class RemoteLoad {
  readonly #history: History;
  readonly #agents: Promise<unknown>;
  #stopped = false;

  constructor(servers: readonly ServerProcess[], history: History, random: SeededRandom) {
    this.#history = history;
    const write = async (agent: RemoteAgent) => {
      for (let count = 1; !this.#stopped; count++) {
        await agent.write(count);
        await sleep(random.below(40));
      }
    };
    this.#agents = Promise.all(
      servers.flatMap((server, index) =>
        planIds.map((planId) => write(new RemoteAgent(`agent ${planId}${index}`, planId, [server], history, random))),
      ),
    );
  }

  /** Resolves when so many more are acknowledged. */
  async goesOn(count: number): Promise<void> {
    const enough = this.#history.counts().acknowledged + count;
    while (this.#history.counts().acknowledged < enough) await sleep(10);
  }

  /** Resolves when all is answered as stored. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#agents;
  }
}

/** And a plan, so that no server takes it for its first run and shows what it can. */
export async function makeTables(address: string): Promise<void> {
  const store = await openStore(address);
  await store.log.append([sample('m', { planId: 'there was one before' })]);
  await store.close();
}

/** What is spooled has some time to come in. */
async function drainedRowsOf(history: History, address: string): Promise<ReadMessage[]> {
  const deadline = performance.now() + drainedWithinMs;
  for (;;) {
    const rows = await rowsOf(history, address);
    if (rows.length >= history.counts().acknowledged || performance.now() > deadline) return rows;
    await sleep(200);
  }
}
