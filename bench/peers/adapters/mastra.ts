import { randomUUID } from 'node:crypto';
import type { MastraDBMessage } from '@mastra/core/agent';
import { PostgresStore } from '@mastra/pg';
import type { NewMessage } from '../../../src/protocol/message.ts';
import type { Adapter } from '../adapter.ts';
import { countRows } from '../countRows.ts';

/** A thread a plan, made before; messages in its own format 2. Its own pool, of 20. */
export const adapter: Adapter = {
  async open({ url }, planIds) {
    const store = new PostgresStore({ id: 'peers', connectionString: url });
    await store.init();
    const memory = await store.getStore('memory');
    if (memory === undefined) throw new Error('the store has no memory domain');
    const now = new Date();
    for (const id of planIds) {
      await memory.saveThread({ thread: { id, resourceId: 'user', title: id, createdAt: now, updatedAt: now } });
    }
    const saveAll = async (messages: readonly NewMessage[]) => {
      await memory.saveMessages({ messages: messages.map(toMastra) });
    };
    return {
      save: (message) => saveAll([message]),
      saveAll,
      stored: () => countRows(url, 'SELECT count(*) FROM mastra_messages'),
      close: () => store.close(),
    };
  },
};

function toMastra({ planId, agentName, content, metadata }: NewMessage): MastraDBMessage {
  return {
    id: randomUUID(),
    threadId: planId,
    resourceId: 'user',
    role: 'assistant',
    createdAt: new Date(),
    content: { format: 2, parts: [{ type: 'text', text: content }], metadata: { ...metadata, agentName } },
  };
}
