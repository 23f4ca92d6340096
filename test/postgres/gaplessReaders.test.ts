import { describe, expect, it } from 'vitest';
import { databaseOfTest, execute, migrated, poolOfTest, storeOfTest } from './database.ts';
import { readWhileWriting, slowCommits } from './gaplessReaders.ts';
import { seed } from './seed.ts';
import { SerialLog } from './serialLog.ts';

describe('P7: whoever reads on behind what it saw, while slow and fast writers write', () => {
  it('sees a gapless prefix at any moment, and all in the end', async () => {
    const { url } = await databaseOfTest();
    await migrated(url);
    await execute(url, ...slowCommits('indelible.messages', 20));
    const [one, other, reader] = [await storeOfTest(url), await storeOfTest(url), await storeOfTest(url)];
    const { violations, stored } = await readWhileWriting([one.log, other.log], reader.log, { messages: 100, seed });
    expect(violations, `SEED=${seed}`).toEqual([]);
    expect(stored).toBe(6 * 100 + 2 * 5);
  });

  it('control: misses messages of a log that is numbered by a bigserial', async () => {
    const { url } = await databaseOfTest();
    await execute(url, SerialLog.table, ...slowCommits('serial_log', 20));
    const log = new SerialLog(poolOfTest(url));
    const { violations, stored } = await readWhileWriting([log], log, { messages: 100, seed });
    expect(stored).toBe(6 * 100 + 2 * 5);
    expect(violations.join('\n')).toMatch(/watcher reader \d saw \d+ \(.*\) after \d+/);
  });
});
