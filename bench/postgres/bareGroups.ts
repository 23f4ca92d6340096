import { Client } from 'pg';
import { prepareMessage } from '../../src/protocol/message.ts';
import { batchValues } from '../../src/store/postgres/batchValues.ts';
import { appendBatch } from '../../src/store/postgres/statements.ts';
import type { Workload } from '../workload.ts';
import { expectRows } from './rowCount.ts';

/**
 * Messages per second by the product's statement alone: messages are encoded and sent in groups of `size` on one
 * connection, the next group when the last one is committed. Nobody is answered, nothing is checked or told. What no
 * client of this database that commits such groups one after the other can be faster than.
 */
export async function bareGroups(url: string, workload: Workload, size: number, seconds: number): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    let sent = 0;
    const commitGroup = async () => {
      const group = Array.from({ length: size }, (_, n) =>
        prepareMessage(workload.message(sent + n), { now: Date.now }),
      );
      await client.query({ ...appendBatch, values: [...batchValues(group).values, false] });
      sent += size;
    };
    const commitFor = async (ms: number) => {
      const [before, start] = [sent, performance.now()];
      while (performance.now() - start < ms) await commitGroup();
      return ((sent - before) / (performance.now() - start)) * 1000;
    };
    await commitFor(seconds * 200);
    const rate = await commitFor(seconds * 1000);
    await expectRows(url, sent);
    return rate;
  } finally {
    await client.end();
  }
}
