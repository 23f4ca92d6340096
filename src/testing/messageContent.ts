import type { AgentMessage } from '../protocol/message.ts';
import type { MessageType } from '../protocol/messageType.ts';

/** A message as a test hands it over; it must name its id. */
export interface SubmittedMessage {
  readonly planId: string;
  readonly messageId: string;
  readonly agentName: string;
  readonly content: string;
  /** Default `agent`. */
  readonly agentType?: string | undefined;
  /** Default `agent_message`. */
  readonly type?: MessageType | undefined;
  /** Default `{}`. */
  readonly metadata?: unknown;
  /** Compared only if given. */
  readonly timestamp?: string | Date | undefined;
}

type Content = Pick<SubmittedMessage, 'agentName' | 'agentType' | 'type' | 'content' | 'metadata'>;

/** What a message says, as one text: equal for equal content, whatever the order of keys in the metadata. */
export function contentOf(message: Content | Pick<AgentMessage, keyof Content>): string {
  const { agentName, agentType = 'agent', type = 'agent_message', content, metadata = {} } = message;
  return JSON.stringify([agentName, agentType, type, content, sorted(JSON.parse(JSON.stringify(metadata)))]);
}

/** Objects become lists of their members sorted by key, in a wrapping that no array has. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const members = Object.entries(value).map(([key, member]) => [key, sorted(member)] as const);
  return { members: members.sort(([one], [other]) => (one < other ? -1 : 1)) };
}
