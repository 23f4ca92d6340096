import { PgBoss } from 'pg-boss';
import type { NewMessage } from '../../../src/protocol/message.ts';
import type { Adapter } from '../adapter.ts';
import { countRows } from '../countRows.ts';

const queue = 'agent-messages';

/** One queue for all plans, a job a message, nobody working on them. Its own pool, of 10. */
export const adapter: Adapter = {
  async open({ url }) {
    const boss = new PgBoss(url);
    boss.on('error', (error) => process.stderr.write(`pg-boss: ${error}\n`));
    await boss.start();
    await boss.createQueue(queue);
    return {
      async save(message) {
        if ((await boss.send(queue, message)) === null) throw new Error('a job was not made');
      },
      async saveAll(messages: readonly NewMessage[]) {
        await boss.insert(
          queue,
          messages.map((data) => ({ data })),
        );
      },
      stored: () => countRows(url, `SELECT count(*) FROM pgboss.job WHERE name = '${queue}'`),
      close: () => boss.stop({ graceful: false }),
    };
  },
};
