import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RedisWake } from '../../src/store/redisWake.ts';
import { eventually } from '../../src/testing/contract/availability.ts';
import { sample, samples } from '../../src/testing/contract/sampleMessages.ts';
import { History } from '../../src/testing/history.ts';
import { databaseOfTest, storeOfTest } from './database.ts';
import { expectHintsToBeHarmless } from './harmlessHints.ts';
import { lookedAt } from './lookedAtLog.ts';
import { loseHints, promisedMs } from './lostHints.ts';
import { hasRedis, leftOut } from './testRedis.ts';
import { blindFeed, PlanWatcher, untilTold } from './watching.ts';
import { wokenByRedis } from './wokenByRedis.ts';

describe.skipIf(!hasRedis)(
  `P16: watchers of one instance while another one writes and Redis does not get through${leftOut}`,
  () => {
    it('are at most 2 s late while Redis is dead, and told again when it is back', async () => {
      const { url, writer, watching, redis } = await wokenByRedis();
      const fault = { cut: () => redis.kill(), mend: () => redis.start() };
      const { latestMs, violations } = await loseHints({ url, writer, watching, rounds: 1, ...fault });
      expect(violations).toEqual([]);
      expect(latestMs).toBeLessThan(promisedMs);
      await untilTold(writer, watching);
    });

    it('are at most 2 s late while the network swallows what Redis says, and told again afterwards', async () => {
      const { url, writer, watching, network } = await wokenByRedis();
      const fault = { cut: () => network.blackHole(), mend: () => network.pass() };
      const { latestMs, violations } = await loseHints({ url, writer, watching, rounds: 1, ...fault });
      expect(violations).toEqual([]);
      expect(latestMs).toBeLessThan(promisedMs);
      await untilTold(writer, watching);
    });

    it('control: without looking by themselves see nothing while Redis is dead, and all when it is back', async () => {
      const { writer, watching, redis } = await wokenByRedis();
      const { log, looking } = lookedAt(watching.log);
      const watcher = new PlanWatcher(blindFeed(log), new History(), 'watcher', 'plan');
      await watcher.came(await untilTold(writer, watching));
      await eventually('nobody looks any more', () => looking() === 0);
      await redis.kill();
      await writer.log.append([sample('behind')]);
      await expect(watcher.came('behind', 2_200)).rejects.toThrow();
      await redis.start();
      await watcher.came('behind');
    });

    it('start, save and are told though there is no Redis at all', async () => {
      const { url } = await databaseOfTest();
      const wake = await RedisWake.open('redis://127.0.0.1:1');
      const store = await storeOfTest(url, { wake });
      const watcher = new PlanWatcher(blindFeed(store.log), new History(), 'watcher', 'plan');
      await store.log.append(samples(3));
      await watcher.came('m3');
    });

    it('read nothing for a stale or senseless hint, once for a forged one, and are given nothing by it', async () => {
      const { watching, redis } = await wokenByRedis();
      const log = lookedAt(watching.log);
      const forger = new Redis(redis.url);
      onTestFinished(() => forger.disconnect());
      await expectHintsToBeHarmless(log, (hint) => forger.publish('indelible', hint));
    });
  },
);
