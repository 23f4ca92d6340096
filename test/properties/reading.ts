import { isDeepStrictEqual } from 'node:util';
import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import type { AgentMessage } from '../../src/protocol/message.ts';
import { readAll } from '../../src/store/readAll.ts';
import type { Store } from '../../src/store/store.ts';
import type { Written } from './performing.ts';
import type { Saying } from './saying.ts';

export async function readPlan(reader: Store, planId: string): Promise<AgentMessage[]> {
  const messages: AgentMessage[] = [];
  for await (const message of readAll(reader.log, planId)) messages.push(toAgentMessage(message));
  return messages;
}

type Said = Pick<Written, 'agentName' | 'said' | 'messageId'>;
type Row = Pick<AgentMessage, 'agentName' | 'agentType' | 'type' | 'content' | 'metadata' | 'timestamp' | 'messageId'>;

/** Whether the row says exactly what was said, member by member, -0 and own `__proto__` members included. */
export function says(row: Row, { agentName, said, messageId }: Said): boolean {
  const { content, agentType = 'agent', type = 'agent_message', metadata = {}, timestamp }: Saying = said;
  return (
    row.agentName === agentName &&
    row.content === content &&
    row.agentType === agentType &&
    row.type === type &&
    isDeepStrictEqual(row.metadata, metadata) &&
    (messageId === undefined || row.messageId === messageId) &&
    (timestamp === undefined || new Date(row.timestamp).getTime() === new Date(timestamp).getTime())
  );
}

/** What was said and is in no row, and the rows that nobody said; whatever the order. */
export function differences<R extends Row>(rows: readonly R[], all: readonly Said[]): { missing: Said[]; extra: R[] } {
  const left = [...rows];
  const missing = all.filter((one) => {
    const index = left.findIndex((row) => says(row, one));
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
  return { missing, extra: left };
}
