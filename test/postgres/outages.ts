import { setTimeout as sleep } from 'node:timers/promises';
import { Feed } from '../../src/feed/feed.ts';
import type { IndelibleEvent } from '../../src/observe/events.ts';
import { IndelibleError } from '../../src/protocol/errors.ts';
import type { MessageLog } from '../../src/store/messageLog.ts';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { History } from '../../src/testing/history.ts';
import type { PostgresServer } from '../../src/testing/postgresServer.ts';
import { startTcpProxy, type TcpProxy } from '../../src/testing/tcpProxy.ts';
import { Load, patientService } from './load.ts';
import { rowsOf } from './violationsOf.ts';
import { PlanWatcher } from './watching.ts';

/** What can go wrong between a service and its database, and how it is mended. */
export interface Outage {
  readonly name: string;
  begin(place: Place): Promise<unknown>;
  end?(place: Place): Promise<unknown>;
  /** What clients are told, where it is certain that they are told it. */
  readonly sqlState?: string;
}

interface Place {
  readonly server: PostgresServer;
  readonly network: TcpProxy;
  /** A superuser's, of the database that is saved to, past the network. */
  readonly url: string;
}

export interface OutagesOptions {
  readonly server: PostgresServer;
  readonly database: string;
  readonly outages: readonly Outage[];
  readonly seed: number;
  /** For a control: the log that the services are given instead. */
  readonly spoil?: (log: MessageLog) => MessageLog;
}

const planIds = ['a', 'b'];
/** Short, so that a server that does not answer is given up soon. */
const timeouts = { connectMs: 400, queryMs: 800 };

/**
 * Two services save, and two watchers read on, while one outage follows the other, each for a random while. Answers what
 * the oracle says in the end, what the producers were told, and which states the server told the services.
 */
export async function saveThroughOutages({ server, database, outages, seed, spoil = (log) => log }: OutagesOptions) {
  const random = new SeededRandom(seed);
  const history = new History({ oneClock: true });
  const url = server.superuserUrl(database);
  const network = await startTcpProxy({ target: url });
  const place = { server, network, url };
  const states = new Set<string>();
  const observe = (event: IndelibleEvent) => {
    if (event.type === 'batch_retried') states.add(stateOf(event.error) ?? 'none');
  };
  const open = () => openPostgresStore(network.through(server.url(database)), { timeouts });
  const stores = await Promise.all([open(), open()]);
  const services = stores.map(({ log }) => patientService(spoil(log), observe));
  const feeds = stores.map(({ log }) => new Feed({ log }));
  const watchers = feeds.flatMap((feed, index) =>
    planIds.map((planId) => new PlanWatcher(feed, history, `watcher ${index}`, planId)),
  );
  const load = new Load({ history, services, planIds, random });
  await load.goesOn(20);
  const notTold: string[] = [];
  for (const { name, begin, end, sqlState } of outages) {
    states.clear();
    await begin(place);
    await sleep(50 + random.below(250));
    await end?.(place);
    await load.goesOn(20);
    if (sqlState !== undefined && !states.has(sqlState)) notTold.push(`${name}: ${[...states].join()}`);
  }
  await load.stop();
  const rows = await rowsOf(history, url);
  for (const watcher of watchers) {
    await watcher.stays(rows.filter(({ planId }) => planId === watcher.watched.planId).length);
  }
  const queued = services.map((service) => service.queued);
  for (const feed of feeds) feed.close();
  await Promise.all(stores.map((store) => store.close()));
  await network.close();
  return { violations: history.violations(rows), counts: history.counts(), queued, notTold };
}

export function stateOf(error: unknown): string | undefined {
  const { cause } = IndelibleError.is(error) ? error : { cause: undefined };
  return (cause as { readonly code?: string } | undefined)?.code;
}
