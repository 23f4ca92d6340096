import { setTimeout as sleep } from 'node:timers/promises';
import { MessagePersistenceService } from '../../src/persistence/messagePersistenceService.ts';
import type { Spool } from '../../src/persistence/spool/spool.ts';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { SeededRandom } from '../../src/testing/contract/seededRandom.ts';
import type { PostgresServer } from '../../src/testing/postgresServer.ts';
import { startTcpProxy } from '../../src/testing/tcpProxy.ts';
import { execute } from './database.ts';

export interface PoisonOptions {
  readonly server: PostgresServer;
  readonly database: string;
  readonly messages: number;
  readonly poison: number;
  readonly seed: number;
  readonly spool: Spool;
}

/**
 * Messages of many plans are spooled while the database is away, some of which it will refuse for good; then it is back,
 * and while the spool is drained other plans are saved to. Answers what is not as it should be.
 */
export async function drainWithPoison({ server, database, messages, poison, seed, spool }: PoisonOptions) {
  const random = new SeededRandom(seed);
  const url = server.superuserUrl(database);
  const network = await startTcpProxy({ target: url });
  const store = await openPostgresStore(network.through(server.url(database)));
  const service = new MessagePersistenceService({ log: store.log, spool });
  await execute(url, `ALTER TABLE indelible.messages ADD CONSTRAINT no_poison CHECK (body::text NOT LIKE '%POISON%')`);
  await network.refuse();
  const poisoned = new Set<number>();
  while (poisoned.size < poison) poisoned.add(random.below(messages));
  const expected = new Map<string, string[]>();
  const saves = Array.from({ length: messages }, (_, index) => {
    const planId = `plan-${random.below(100)}`;
    const content = poisoned.has(index) ? `POISON ${index}` : `${index}`;
    if (!poisoned.has(index)) expected.set(planId, [...(expected.get(planId) ?? []), content]);
    return service.save({ planId, agentName: 'agent', content });
  });
  const violations = (await Promise.all(saves)).flatMap(({ status }) =>
    status === 'spooled' ? [] : [`answered ${status}`],
  );
  await network.pass();
  while (service.outage().breaker !== 'closed') await sleep(5);
  let [liveStored, liveOtherwise] = [0, 0];
  while (service.outage().depth > 0) {
    const { status } = await service.save({ planId: `live-${liveStored % 5}`, agentName: 'agent', content: 'live' });
    if (status === 'stored') liveStored++;
    else liveOtherwise++;
  }
  for (const [planId, contents] of expected) {
    const stored = (await service.getMessagesForPlan(planId)).map(({ content }) => content);
    if (stored.join() !== contents.join())
      violations.push(`plan ${planId} reads ${stored.length} of ${contents.length}, or in another order`);
  }
  const { setAside, depth } = service.outage();
  await service.close();
  await store.close();
  await network.close();
  return { violations, setAside, depth, liveStored, liveOtherwise };
}
