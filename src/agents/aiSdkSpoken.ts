import type { UIMessage } from 'ai';
import type { AgentLogMessage } from './agentLog.ts';
import type { ModelPrompt, PromptMessage } from './aiSdkModelCall.ts';
import { derivedUuid } from './derivedUuid.ts';
import { jsonSafe, jsonSafeMembers } from './jsonSafe.ts';

type ToolResultPart = Extract<Extract<PromptMessage, { role: 'tool' }>['content'][number], { type: 'tool-result' }>;
type UserMessage = Extract<PromptMessage, { role: 'user' }>;

const maxNameLength = 256;
/**
 * A user's message as `useChat` has it. Its id in the log is derived from what it is and says, so that an edited one is a
 * message of its own; `ui_id` in the metadata is what the page calls it. `content_blocks`: its parts, unless they are one text.
 */
export function uiMessageSpoken(planId: string, message: UIMessage): AgentLogMessage {
  const { id, parts, metadata } = message;
  const [only, ...others] = parts;
  const isPlain = only?.type === 'text' && others.length === 0;
  return {
    planId,
    messageId: derivedUuid(planId, 'user', id, jsonSafe(parts)),
    agentName: 'user',
    agentType: 'user',
    content: parts.map((part) => (part.type === 'text' ? part.text : '')).join(''),
    metadata: jsonSafeMembers({ ui_id: id, content_blocks: isPlain ? undefined : parts, ui_metadata: metadata }),
  };
}

/** A user's message as the model is given it, for callers who have no messages of a page. */
export function promptSpoken(planId: string, message: UserMessage): AgentLogMessage {
  const isPlain = message.content.every((part) => part.type === 'text');
  return {
    planId,
    agentName: 'user',
    agentType: 'user',
    content: message.content.map((part) => (part.type === 'text' ? part.text : '')).join(''),
    metadata: jsonSafeMembers({ content_blocks: isPlain ? undefined : message.content.map(uiPart) }),
  };
}

function uiPart(part: UserMessage['content'][number]): unknown {
  if (part.type === 'text') return { type: 'text', text: part.text };
  const { mediaType, filename, data } = part;
  if (data.type === 'url') return { type: 'file', mediaType, filename, url: String(data.url) };
  if (data.type !== 'data') return { ...part };
  const base64 = typeof data.data === 'string' ? data.data : Buffer.from(data.data).toString('base64');
  return { type: 'file', mediaType, filename, url: `data:${mediaType};base64,${base64}` };
}

/** What a tool answered. `output` is its value; of an error, the text. */
export interface ToolAnswer {
  readonly toolCallId: string;
  readonly toolName: string;
  readonly output: unknown;
  readonly isError?: boolean;
  /** 1, or 2 … where a model has used the same call id before. */
  readonly occurrence: number;
}

/**
 * What a tool answered, by whichever way it is heard of: the same call gives the same id. `output` stands in the metadata
 * unless it is text, which is the content.
 */
export function toolAnswerSpoken(planId: string, answer: ToolAnswer): AgentLogMessage {
  const { toolCallId, toolName, output, isError, occurrence } = answer;
  const value = jsonSafe(output);
  return {
    planId,
    messageId: derivedUuid(planId, 'tool', toolCallId, occurrence),
    agentName: toolName.slice(0, maxNameLength) || 'tool',
    agentType: 'tool',
    content: typeof value === 'string' ? value : JSON.stringify(value),
    metadata: jsonSafeMembers({
      tool_call_id: toolCallId,
      status: isError ? 'error' : undefined,
      output: typeof value === 'string' ? undefined : value,
    }),
  };
}

/** What a model is given that no answer follows yet: the user's new messages, and what tools answered. In order. */
export function unanswered(prompt: ModelPrompt): PromptMessage[] {
  return prompt.slice(prompt.findLastIndex(({ role }) => role === 'assistant') + 1);
}

/** How often a call of this id stands in what the model is given. */
export function callsOf(prompt: ModelPrompt, toolCallId: string): number {
  return prompt
    .flatMap((message) => (message.role === 'assistant' ? message.content : []))
    .filter((part) => part.type === 'tool-call' && part.toolCallId === toolCallId).length;
}

/** A tool's answer as it stands in a prompt. */
export function promptToolAnswer({ toolCallId, toolName, output }: ToolResultPart): Omit<ToolAnswer, 'occurrence'> {
  switch (output.type) {
    case 'error-text':
    case 'error-json':
      return { toolCallId, toolName, output: output.value, isError: true };
    case 'execution-denied':
      return { toolCallId, toolName, output: output.reason ?? 'denied', isError: true };
    default:
      return { toolCallId, toolName, output: output.value };
  }
}
