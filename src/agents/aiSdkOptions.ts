import type { UIMessage } from 'ai';
import type { AgentLog } from './agentLog.ts';

export interface DurableChatOptions {
  readonly log: AgentLog;
  /** The plan that the messages belong to: for a chat, its id. */
  readonly planId: string;
  /** What `useChat` sent: its last message is saved under its own id. Without it, what the model is asked is saved. */
  readonly messages?: readonly UIMessage[] | undefined;
  /** Who answers, in the log. Default `assistant`. */
  readonly agentName?: string | undefined;
  /** How long saves may keep the agent waiting, in ms, before it goes on without their answer. Default 5,000. */
  readonly maxWaitMs?: number | undefined;
}
