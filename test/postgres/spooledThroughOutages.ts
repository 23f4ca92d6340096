import { setTimeout as sleep } from 'node:timers/promises';
import { MessagePersistenceService } from '../../src/persistence/messagePersistenceService.ts';
import type { SaveResult } from '../../src/persistence/saveResult.ts';
import type { Spool } from '../../src/persistence/spool/spool.ts';
import type { MessageLog } from '../../src/store/messageLog.ts';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { oneTo } from '../../src/testing/contract/sampleMessages.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import { History } from '../../src/testing/history.ts';
import type { PostgresServer } from '../../src/testing/postgresServer.ts';
import { startTcpProxy } from '../../src/testing/tcpProxy.ts';
import type { Outage } from './outages.ts';
import { rowsOf } from './violationsOf.ts';

export interface SpooledOptions {
  readonly server: PostgresServer;
  readonly database: string;
  readonly outages: readonly Outage[];
  readonly plans: number;
  readonly seed: number;
  readonly spool: Spool;
  /** For a control: the log that the service is given instead. */
  readonly spoil?: (log: MessageLog) => MessageLog;
}

/**
 * One agent a plan saves without pause, each next message when the last one is answered, while one outage follows the
 * other. An outage ends only when every agent was answered several times while it was in force: nobody waits for the
 * database. Answers what the oracle says in the end and how often each answer was given.
 */
export async function saveSpooledThroughOutages(options: SpooledOptions) {
  const { server, database, outages, plans, seed, spool, spoil = (log) => log } = options;
  const random = new SeededRandom(seed);
  const history = new History();
  const url = server.superuserUrl(database);
  const network = await startTcpProxy({ target: url });
  const store = await openPostgresStore(network.through(server.url(database)));
  const service = new MessagePersistenceService({ log: spoil(store.log), spool });
  const answers: Record<SaveResult['status'], number> = { stored: 0, spooled: 0, pending: 0, refused: 0 };
  const answered = new Map<string, number>();
  let isOver = false;
  const agents = oneTo(plans).map(async (number) => {
    const planId = `plan-${number}`;
    for (let saved = 1; !isOver; saved++) {
      const message = { planId, messageId: `${planId}-${saved}`, agentName: 'agent', content: `message ${saved}` };
      const submission = history.submit(planId, message);
      const result = await service.save(message);
      submission.settle(result);
      answers[result.status]++;
      answered.set(planId, saved);
      await sleep(random.below(20));
    }
  });
  const everyoneSaves = async (times: number) => {
    const enough = new Map(
      [...oneTo(plans)].map((number) => [`plan-${number}`, (answered.get(`plan-${number}`) ?? 0) + times]),
    );
    while ([...enough].some(([planId, count]) => (answered.get(planId) ?? 0) < count)) await sleep(5);
  };
  await everyoneSaves(3);
  for (const { begin, end } of outages) {
    await begin({ server, network, url });
    await everyoneSaves(5);
    await end?.({ server, network, url });
    await everyoneSaves(2);
    if (random.below(2) === 0) await drained(service);
  }
  isOver = true;
  await Promise.all(agents);
  await drained(service);
  const rows = await rowsOf(history, url);
  await service.close();
  await store.close();
  await network.close();
  return { violations: history.violations(rows), counts: history.counts(), answers, depth: service.outage().depth };
}

async function drained(service: MessagePersistenceService): Promise<void> {
  while (service.queued > 0 || service.outage().depth > 0) await sleep(10);
}
