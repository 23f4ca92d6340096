import type { Event } from '@event-driven-io/emmett';
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import type { NewMessage } from '../../../src/protocol/message.ts';
import type { Adapter } from '../adapter.ts';
import { countRows } from '../countRows.ts';

type AgentMessage = Event<'AgentMessage', Omit<NewMessage, 'metadata'>, NonNullable<NewMessage['metadata']>>;

/** A stream a plan, an event a message. The connection string alone gives its own pool, of 10. */
export const adapter: Adapter = {
  async open({ url }) {
    const store = getPostgreSQLEventStore(url);
    await store.schema.migrate();
    const append = async (messages: readonly NewMessage[]) => {
      await store.appendToStream<AgentMessage>(messages[0]?.planId as string, messages.map(toEvent));
    };
    return {
      save: (message) => append([message]),
      saveAll: append,
      stored: () => countRows(url, 'SELECT count(*) FROM emt_messages'),
      close: () => store.close(),
    };
  },
};

function toEvent({ metadata, ...data }: NewMessage): AgentMessage {
  return { type: 'AgentMessage', kind: 'Event', data, metadata: metadata ?? {} };
}
