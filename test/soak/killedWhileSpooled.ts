import { setTimeout as sleep } from 'node:timers/promises';
import { oneTo } from '../../src/testing/contract/sampleMessages.ts';
import { type SoakOptions, shortSoak } from './soakOptions.ts';
import { setStage } from './stage.ts';
import { verdictOf } from './verdict.ts';

/**
 * Ten agents in one process: the database is away, the process spools, is killed, and is started again when the database
 * is back. Answers how many messages were on its disk when it was killed, and what the oracle says.
 */
export async function killWhileSpooled(hostSpool: SoakOptions['hostSpool'], seed: number) {
  const options = { ...shortSoak(0, seed), hostSpool };
  const planIds = ['plan-1', 'plan-2'];
  const lanes = oneTo(10).map((number) => {
    const name = `agent-${number}`;
    return { planId: planIds[number % 2] as string, agentName: name, name, atOnce: 2 };
  });
  const { hosts, network, folder, url, close } = await setStage(options, planIds, [lanes], () => {});
  try {
    const [host] = hosts;
    await host.start();
    await sleep(1_000);
    await network.blackHole();
    let spooled = 0;
    while (spooled < 50) {
      await sleep(100);
      spooled = (await host.spoolDepth()) ?? 0;
    }
    await host.kill();
    await network.pass();
    await host.start();
    await sleep(1_000);
    await host.pause();
    while ((await host.spoolDepth()) !== 0) await sleep(100);
    return { spooled, ...(await verdictOf(folder, url, seed)) };
  } finally {
    await close();
  }
}
