import type { JsonObject } from '../protocol/jsonText.ts';
import type { WireMessageBody } from '../protocol/messageBytes.ts';
import type { MessageType } from '../protocol/messageType.ts';

/** A message of a plan, as a watcher sees it. Never changed: when it says something else, another object has its place. */
export interface PlanMessage {
  readonly planId: string;
  /** Unique within the plan. */
  readonly messageId: string;
  /** Its place in the plan: 1, 2, 3 … 0 while it is not in the database. */
  readonly sequence: number;
  /** 1, one more with every update. 0 while it is not in the database. */
  readonly version: number;
  /**
   * Whether it is in the database. False: accepted, and safe on the disk of the server that has it; it gets its place
   * when the database is back.
   */
  readonly stored: boolean;
  readonly type: MessageType;
  readonly agentName: string;
  readonly agentType: string;
  /** May be empty: a tool call has no text. */
  readonly content: string;
  /** ISO 8601, UTC, `Z`. Data, not order: order is `sequence`. */
  readonly timestamp: string;
  readonly metadata: JsonObject;
}

/** Messages that were taken out of the log before this client could have them. */
export interface PlanGap {
  readonly type: 'gap';
  /** The sequence of the first that is missing. */
  readonly from: number;
  /** The sequence of the last that is missing; the next message is the one behind it. */
  readonly to: number;
}

/** `place`: nothing for a message that is not in the database yet. */
export function planMessage(
  body: WireMessageBody,
  place?: { readonly sequence: number; readonly version: number },
): PlanMessage {
  return {
    planId: body.plan_id,
    messageId: body.message_id,
    sequence: place?.sequence ?? 0,
    version: place?.version ?? 0,
    stored: place !== undefined,
    type: body.type,
    agentName: body.agent_name,
    agentType: body.agent_type,
    content: body.content,
    timestamp: body.timestamp,
    metadata: body.metadata,
  };
}
