import type { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import type { StoredMessage } from '../../src/protocol/message.ts';
import { databaseOfTest, poolOfTest, storeOfTest } from './database.ts';
import { raceUpdates, type UpdatedLog } from './oneWinner.ts';

describe('P12: 50 who update the same version through two instances', () => {
  it('have one winner; the others are shown what it wrote', async () => {
    const { url } = await databaseOfTest();
    const logs = [(await storeOfTest(url)).log, (await storeOfTest(url)).log];
    expect(await raceUpdates(logs, 20)).toEqual([]);
  });

  it('control: have several winners where the version is looked at without a lock', async () => {
    const { url } = await databaseOfTest();
    const { log } = await storeOfTest(url);
    expect((await raceUpdates([withoutLock(log, poolOfTest(url))], 20)).join('\n')).toMatch(
      / ([2-9]|\d\d) of 50 were told that they won/,
    );
  });
});

/** What must not be: it looks at the version, then writes. */
function withoutLock(log: UpdatedLog, pool: Pool): UpdatedLog {
  return {
    append: (batch) => log.append(batch),
    find: (planId, messageId) => log.find(planId, messageId),
    async update({ planId, messageId, body }, expectedVersion) {
      const found = await log.find(planId, messageId);
      if (found === undefined) return { status: 'not_found' };
      if (found.version !== expectedVersion) return { status: 'conflict', message: found };
      const message: StoredMessage = { ...found, body, version: found.version + 1, revision: found.revision + 1 };
      await pool.query(
        'UPDATE indelible.messages SET version = $3, revision = $4, body = $5 WHERE plan_id = $1 AND message_id = $2',
        [planId, messageId, message.version, message.revision, body],
      );
      return { status: 'updated', message };
    },
  };
}
