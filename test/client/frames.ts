import type { MessageFrame, ServerFrame } from '../../src/protocol/liveFrames.ts';
import type { WireMessageBody } from '../../src/protocol/messageBytes.ts';

export const planId = 'plan';

export function body(messageId: string, content = messageId): WireMessageBody {
  return {
    timestamp: '2026-11-25T12:00:00.000Z',
    type: 'agent_message',
    agent_name: 'Scribe',
    message_id: messageId,
    plan_id: planId,
    agent_type: 'agent',
    content,
    metadata: {},
  };
}

/** Message `m<sequence>`, unless it is to be another one. */
export function message(sequence: number, more: Partial<MessageFrame> = {}): MessageFrame {
  return { type: 'message', plan_id: planId, sequence, version: 1, message: body(`m${sequence}`), ...more };
}

/** Messages from one place to another; the last has a cursor that names its place. */
export function messages(from: number, to: number): MessageFrame[] {
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const sequence = from + index;
    return message(sequence, sequence === to ? { cursor: `c${to}` } : {});
  });
}

export function caughtUp(sequence: number): ServerFrame {
  return { type: 'caught_up', plan_id: planId, cursor: `c${sequence}` };
}

export function draft(draftId: string, offset: number, text: string, done?: boolean): ServerFrame {
  return {
    type: 'draft',
    plan_id: planId,
    draft_id: draftId,
    agent_name: 'Scribe',
    offset,
    text,
    ...(done && { done }),
  };
}
