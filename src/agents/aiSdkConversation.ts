import type { JsonObject } from '../protocol/jsonText.ts';
import type { WireMessageBody } from '../protocol/messageBytes.ts';

/** The messages of a plan as a chat shows them: what a user said, or one answer with all its steps. */
export interface Turn {
  readonly role: 'user' | 'assistant';
  /** What the page calls it. */
  readonly id: string;
  readonly messages: WireMessageBody[];
}

/**
 * A plan's messages, in their order, as turns. A message that was edited, and an answer that was asked for again, take
 * the place of what was there, and of all behind it: the log holds both, the chat what holds now.
 */
export function turnsOf(messages: Iterable<WireMessageBody>): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    if (message.type === 'final_result_message') continue;
    const { ui_id: uiId, follows } = message.metadata;
    if (isUsers(message)) {
      const id = typeof uiId === 'string' ? uiId : message.message_id;
      cut(turns, id, 0);
      turns.push({ role: 'user', id, messages: [message] });
      continue;
    }
    if (typeof follows === 'string') cut(turns, follows, 1);
    const last = turns.at(-1);
    if (last?.role === 'assistant') last.messages.push(message);
    else turns.push({ role: 'assistant', id: message.message_id, messages: [message] });
  }
  return turns;
}

/** Drops the turn of this id, or what is behind it, if there is one. */
function cut(turns: Turn[], id: string, keep: 0 | 1): void {
  const at = turns.findIndex((turn) => turn.id === id);
  if (at >= 0) turns.length = at + keep;
}

export function isUsers({ agent_type: type }: WireMessageBody): boolean {
  return type === 'user' || type === 'Human_Agent';
}

export function isToolAnswer({ agent_type: type }: WireMessageBody): boolean {
  return type === 'tool';
}

export function toolCallsOf({ metadata }: WireMessageBody): readonly JsonObject[] {
  const calls = metadata['tool_calls'];
  return Array.isArray(calls) ? calls : [];
}

/** Whether nothing more is to come behind this message, unless somebody asks. */
export function isLast(message: WireMessageBody): boolean {
  if (message.type === 'final_result_message') return true;
  if (isUsers(message) || isToolAnswer(message)) return false;
  const calls = toolCallsOf(message);
  if (message.metadata['interrupted'] !== undefined || calls.some((call) => call['awaits_client'] === true))
    return true;
  const reason = message.metadata['finish_reason'];
  return typeof reason === 'string' ? reason !== 'tool-calls' : calls.length === 0;
}
