import { openIndelible } from '../../../src/agents/indelible.ts';
import type { Adapter } from '../adapter.ts';
import { countRows } from '../countRows.ts';

/** As it is: 10 connections, NOTIFY on. Only that a save waits as long as it takes, for nobody else here has a deadline. */
export const adapter: Adapter = {
  async open({ url }) {
    const indelible = await openIndelible({ store: url, persistence: { deadlineMs: 60_000 } });
    return {
      async save(message) {
        const { status } = await indelible.save(message);
        if (status !== 'stored') throw new Error(`a save was answered ${status}`);
      },
      async saveAll(messages) {
        const stored = await indelible.persistence.saveMessagesBatch(messages);
        if (!stored.every(Boolean)) throw new Error('a message of a batch was not stored');
      },
      stored: () => countRows(url, 'SELECT count(*) FROM indelible.messages'),
      close: () => indelible.close(),
    };
  },
};
