/**
 * What a message is to a watcher; on the wire its `type`. All of these are stored. What is only live (tokens,
 * progress, heartbeats) is not a message: see `liveEvent.ts`.
 */
export const messageTypes = [
  'agent_message',
  'plan_approval_request',
  'plan_approval_response',
  'user_clarification_request',
  'user_clarification_response',
  'final_result_message',
] as const;
export type MessageType = (typeof messageTypes)[number];
