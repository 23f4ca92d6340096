import { onTestFinished } from 'vitest';
import { RedisWake } from '../../src/store/redisWake.ts';
import { startTcpProxy } from '../../src/testing/tcpProxy.ts';
import { databaseOfTest, storeOfTest } from './database.ts';
import { testRedis } from './testRedis.ts';

/** A writer and a watching store that share a Redis, the latter behind a network that can fail. */
export async function wokenByRedis() {
  const { url } = await databaseOfTest();
  const redis = await testRedis();
  const network = await startTcpProxy({ target: redis.url });
  onTestFinished(() => network.close());
  const writer = await storeOfTest(url, { wake: await RedisWake.open(redis.url) });
  const watching = await storeOfTest(url, { wake: await RedisWake.open(network.through(redis.url)) });
  return { url, writer, watching, redis, network };
}
