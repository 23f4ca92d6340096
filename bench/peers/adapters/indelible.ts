import { openIndelible } from '../../../src/agents/indelible.ts';
import type { Adapter } from '../adapter.ts';
import { countRows } from '../countRows.ts';

/** As it is without any option: 10 connections, NOTIFY on. */
export const adapter: Adapter = {
  async open({ url }) {
    const indelible = await openIndelible({ store: url });
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
