import { describe, expect, it } from 'vitest';
import { NotifyWake } from '../../src/store/postgres/notifyWake.ts';
import { eventually } from '../../src/testing/contract/availability.ts';
import { sample } from '../../src/testing/contract/sampleMessages.ts';
import { History } from '../../src/testing/history.ts';
import type { TcpProxy } from '../../src/testing/tcpProxy.ts';
import { databaseOfTest, execute, storeOfTest } from './database.ts';
import { expectHintsToBeHarmless } from './harmlessHints.ts';
import { killListener, listeningThroughProxy, named } from './listening.ts';
import { lookedAt } from './lookedAtLog.ts';
import { loseHints, promisedMs } from './lostHints.ts';
import { blindFeed, PlanWatcher, stillClock, untilTold } from './watching.ts';

describe('P16: watchers of one instance while another one writes and NOTIFY does not get through', () => {
  it.each([
    ['reset', (network: TcpProxy) => network.resetConnections()],
    ['refused', (network: TcpProxy) => network.refuse()],
    ['swallowed', (network: TcpProxy) => network.blackHole()],
    ['heard by nobody', (network: TcpProxy) => network.halfOpen('fromServer')],
  ] as const)('are at most 2 s late if the listening connection is %s', async (_, cut) => {
    const { url, writer, watching, network } = await listeningThroughProxy();
    const fault = { cut: () => cut(network), mend: () => network.pass() };
    const { latestMs, violations } = await loseHints({ url, writer, watching, rounds: 1, ...fault });
    expect(violations).toEqual([]);
    expect(latestMs).toBeLessThan(promisedMs);
  });

  it('are told soon again, without looking by themselves, each time the listening connection is killed', async () => {
    const { url, writer, watching } = await listeningThroughProxy();
    const { violations } = await loseHints({
      url,
      writer,
      watching,
      rounds: 10,
      clock: stillClock,
      cut: (round) => (round % 2 === 0 ? killListener(url) : undefined),
      mend: (round) => (round % 2 === 1 ? killListener(url) : undefined),
    });
    expect(violations).toEqual([]);
  });

  it('control: never see a message without looking by themselves and without a new connection', async () => {
    const { url } = await databaseOfTest();
    const writer = await storeOfTest(url);
    const watching = await storeOfTest(url, { wake: new NotifyWake(named(url), stillClock) });
    const { log, looking } = lookedAt(watching.log);
    const watcher = new PlanWatcher(blindFeed(log), new History(), 'watcher', 'plan');
    await watcher.came(await untilTold(writer, watching));
    await eventually('nobody looks any more', () => looking() === 0);
    await killListener(url);
    await writer.log.append([sample('behind')]);
    await expect(watcher.came('behind', 2_200)).rejects.toThrow();
    watcher.subscription.look();
    await watcher.came('behind');
  });

  it('read nothing for a stale or senseless hint, once for a forged one, and are given nothing by it', async () => {
    const { url } = await databaseOfTest();
    const log = lookedAt((await storeOfTest(url)).log);
    await expectHintsToBeHarmless(log, (hint) =>
      execute(url, `SELECT pg_notify('indelible', '${hint.replaceAll("'", "''")}')`),
    );
  });

  it('are told of a commit of more plans than one notification can name, also with the longest ids', async () => {
    const { url } = await databaseOfTest();
    const [writer, watching] = [await storeOfTest(url), await storeOfTest(url)];
    const planIds = Array.from({ length: 300 }, (_, index) => `${'\u{20ac}'.repeat(252)}${1000 + index}`);
    const feed = blindFeed(watching.log);
    const history = new History();
    const watchers = planIds.map((planId) => new PlanWatcher(feed, history, planId, planId));
    await eventually('it listens', async () => (await listeners(url)) > 0);
    await writer.log.append(planIds.map((planId) => sample('m', { planId })));
    await Promise.all(watchers.map((watcher) => watcher.came('m')));
  });
});

async function listeners(url: string): Promise<number> {
  const rows = await execute(
    url,
    `SELECT FROM pg_stat_activity WHERE query = 'LISTEN indelible' AND state = 'idle' AND datname = current_database()`,
  );
  return rows.length;
}
