/** What both ends speak. Pure: runs in a browser. */
export { toAgentMessage } from './agentMessage.ts';
export type { Draft } from './draft.ts';
export { type ErrorCode, type ErrorDetails, type ErrorEntry, errorTable, IndelibleError } from './errors.ts';
export { encodeJson, type JsonObject, type JsonValue } from './jsonText.ts';
export type { LiveEvent } from './liveEvent.ts';
export {
  type AgentMessage,
  checkId,
  type NewMessage,
  type PersistenceStatus,
  type PreparedMessage,
  type PrepareOptions,
  prepareMessage,
  type StoredMessage,
} from './message.ts';
export { type MessageBytes, parseMessageBytes, sameContent, type WireMessageBody } from './messageBytes.ts';
export { type MessageType, messageTypes } from './messageType.ts';
export type { PersistenceResult } from './persistenceResult.ts';
export { type Plan, type PlanStatus, type PlanStep, planStatuses } from './plan.ts';
export { type RowValue, type RowView, rowText, rowView } from './rowView.ts';
export { type V3LiveEvent, v3Frame, v3LiveFrame, v3MessageFrame, v3MessageRow, v3RowView } from './v3Frames.ts';
