import { setTimeout as sleep } from 'node:timers/promises';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { oneTo, sample } from '../../src/testing/contract/sampleMessages.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { History } from '../../src/testing/history.ts';
import { RemoteAgent } from './remoteAgent.ts';
import { RemoteWatcher } from './remoteWatcher.ts';
import { ServerProcess, type ServerProcessOptions } from './serverProcess.ts';
import { rowsOf } from './violationsOf.ts';

export interface ManyServersOptions extends Omit<ServerProcessOptions, 'store'> {
  readonly url: string;
  readonly servers: number;
  readonly messagesPerAgent: number;
  /** What is killed and started again throughout. Default: the first server. */
  readonly killed?: Killed;
  readonly seed: number;
}

export interface Killed {
  kill(): Promise<unknown>;
  start(): Promise<unknown>;
}

const planIds = ['a', 'b', 'c'];

/**
 * Server processes on one database; agents that write to all of them and to the same plans, and watchers on any of them.
 * Answers what the oracle says, and how often something was killed.
 */
export async function runManyServers({ url, servers, messagesPerAgent, killed, seed, ...options }: ManyServersOptions) {
  const random = new SeededRandom(seed);
  const history = new History();
  await makeTables(url);
  const processes = await Promise.all(oneTo(servers).map(() => ServerProcess.start({ ...options, store: url })));
  try {
    const watchers = planIds.flatMap((planId) =>
      oneTo(4).map((number) => new RemoteWatcher(`watcher ${planId}${number}`, planId, processes, history, random)),
    );
    await Promise.all(watchers.map((watcher) => watcher.begin()));
    let writing = true;
    const killing = killAgainAndAgain(killed ?? (processes[0] as ServerProcess), () => writing);
    const agents = planIds.flatMap((planId) =>
      oneTo(3).map((number) => new RemoteAgent(`agent ${planId}${number}`, planId, processes, history, random)),
    );
    const written = Promise.all(agents.map((agent) => agent.write(messagesPerAgent))).finally(() => {
      writing = false;
    });
    const [kills] = await Promise.all([killing, written]);
    const rows = await rowsOf(history, url);
    await Promise.all(
      watchers.map((watcher) => watcher.end(rows.filter(({ planId }) => planId === watcher.planId).length)),
    );
    return { violations: history.violations(rows), counts: history.counts(), kills, rows };
  } finally {
    await Promise.all(processes.map((server) => server.kill()));
  }
}

/** And a plan, so that no server takes it for its first run and shows what it can. */
async function makeTables(url: string): Promise<void> {
  const store = await openPostgresStore(url);
  await store.log.append([sample('m', { planId: 'there was one before' })]);
  await store.close();
}

/** At least once. */
async function killAgainAndAgain(killed: Killed, going: () => boolean): Promise<number> {
  let kills = 0;
  do {
    await sleep(400);
    await killed.kill();
    kills++;
    await sleep(100);
    await killed.start();
  } while (going());
  return kills;
}
