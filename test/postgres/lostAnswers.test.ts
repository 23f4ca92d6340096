import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PreparedMessage } from '../../src/protocol/message.ts';
import type { MessageLog } from '../../src/store/messageLog.ts';
import { whenAvailable } from '../../src/testing/contract/availability.ts';
import { sample } from '../../src/testing/contract/sampleMessages.ts';
import { startPostgresProxy } from '../../src/testing/postgresProxy.ts';
import { databaseOfTest, execute, migrated, storeOfTest } from './database.ts';
import { loseAnswers } from './lostAnswers.ts';
import { seed } from './seed.ts';

describe('P5: a commit whose answer was lost', () => {
  it('is not doubled, and nothing else is: 60 cuts before, within and after COMMIT under load', async () => {
    const { url } = await databaseOfTest();
    const { violations, counts, made } = await loseAnswers({ url, cuts: 60, seed });
    expect(violations, `SEED=${seed}`).toEqual([]);
    expect(counts).toMatchObject({ refused: 0, unknown: 0 });
    expect(counts.acknowledged).toBeGreaterThan(60);
    for (const count of Object.values(made)) expect(count).toBeGreaterThan(0);
  });

  it('control: without the unique id the same test finds doubles', async () => {
    const { url } = await databaseOfTest();
    await migrated(url);
    await execute(url, 'ALTER TABLE indelible.messages DROP CONSTRAINT messages_by_id');
    const { violations } = await loseAnswers({ url, cuts: 30, seed });
    expect(violations.join('\n')).toMatch(/is stored twice/);
  });

  it('control: a store that gives a batch new ids when it is tried again fails the same test', async () => {
    const { url } = await databaseOfTest();
    const { violations } = await loseAnswers({ url, cuts: 10, seed, spoil: newIdsOnRetry });
    expect(violations.join('\n')).toMatch(/was never submitted/);
  });

  it.each(['before', 'within', 'after'] as const)('of an update, cut %s COMMIT, is not made twice', async (moment) => {
    const { url } = await databaseOfTest();
    const proxy = await startPostgresProxy({ target: url });
    onTestFinished(() => proxy.close());
    const store = await storeOfTest(proxy.through(url));
    await store.log.append([sample('m')]);
    for (let version = 1; version <= 5; version++) {
      const cut = proxy.cutNext(moment);
      const message = sample('m', { content: `version ${version + 1}` });
      await expect(store.log.update(message, version)).rejects.toMatchObject({ code: 'store_unavailable' });
      expect(await cut).toMatchObject({ moment });
      const again = await whenAvailable(() => store.log.update(message, version));
      expect(again).toMatchObject({ message: { version: version + 1, revision: version, body: message.body } });
      expect(again.status).toBe(moment === 'before' ? 'updated' : moment === 'after' ? 'conflict' : again.status);
    }
    expect((await store.log.heads(['plan'])).get('plan')).toEqual({ sequence: 1, revision: 5 });
  });
});

/** What must not be. */
function newIdsOnRetry(log: MessageLog): MessageLog {
  const tried = new Set<string>();
  const renamed = (message: PreparedMessage): PreparedMessage => {
    if (!tried.has(message.messageId)) {
      tried.add(message.messageId);
      return message;
    }
    const messageId = randomUUID();
    return { ...message, messageId, body: message.body.replaceAll(message.messageId, messageId) };
  };
  return {
    epoch: log.epoch,
    append: (batch) => log.append(batch.map(renamed)),
    update: (message, version) => log.update(message, version),
    trim: (planId, upTo) => log.trim(planId, upTo),
    find: (planId, messageId) => log.find(planId, messageId),
    read: (planId, after, limit) => log.read(planId, after, limit),
    heads: (planIds) => log.heads(planIds),
    onCommit: (listener) => log.onCommit(listener),
  };
}
