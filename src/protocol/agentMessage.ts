import type { AgentMessage, PreparedMessage, StoredMessage } from './message.ts';
import { parseMessageBytes } from './messageBytes.ts';

type Tracking = Pick<AgentMessage, 'persistenceStatus' | 'savedToDb' | 'sentViaWebsocket' | 'retryCount'>;

const asStored: Tracking = { persistenceStatus: 'stored', savedToDb: true, sentViaWebsocket: false, retryCount: 0 };

/** A message as an object, in code's spelling. The one place where a message's wire names become code names. */
export function toAgentMessage(
  message: PreparedMessage | StoredMessage,
  tracking: Partial<Tracking> = {},
): AgentMessage {
  const wire = parseMessageBytes(message.body);
  return {
    planId: wire.plan_id,
    messageId: wire.message_id,
    sequence: 'sequence' in message ? message.sequence : 0,
    version: 'version' in message ? message.version : 0,
    type: wire.type,
    agentName: wire.agent_name,
    agentType: wire.agent_type,
    content: wire.content,
    timestamp: wire.timestamp,
    metadata: wire.metadata,
    ...asStored,
    ...tracking,
  };
}
