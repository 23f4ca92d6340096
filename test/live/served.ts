import { onTestFinished } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import { type Clock, systemClock } from '../../src/resilience/clock.ts';
import { Runner } from '../../src/runs/runner.ts';
import { type RunningServer, startServer } from '../../src/server/startServer.ts';
import type { MessageLog } from '../../src/store/messageLog.ts';
import type { Store } from '../../src/store/store.ts';
import { sayingTeam } from '../server/testServer.ts';

/** A server on a store that somebody else opened, and closes. */
export async function served(store: Store, clock: Clock = systemClock): Promise<RunningServer> {
  const indelible = new Indelible(store, { clock });
  const runner = new Runner(indelible, [sayingTeam(1)]);
  const server = await startServer({ indelible, runner, port: 0 });
  onTestFinished(async () => {
    await server.close();
    await runner.close(1_000);
    indelible.feed.close();
  });
  return server;
}

/** The store, with another log in front of its own. */
export function withLog(store: Store, change: (log: MessageLog) => Partial<MessageLog>): Store {
  const { log } = store;
  const own: MessageLog = {
    get epoch() {
      return log.epoch;
    },
    append: (batch) => log.append(batch),
    update: (message, version) => log.update(message, version),
    find: (planId, id) => log.find(planId, id),
    read: (planId, after, limit) => log.read(planId, after, limit),
    trim: (planId, upTo) => log.trim(planId, upTo),
    heads: (planIds) => log.heads(planIds),
    onCommit: (listener) => log.onCommit(listener),
  };
  const changed = Object.defineProperties(own, Object.getOwnPropertyDescriptors(change(log)));
  return { ...store, log: changed };
}
