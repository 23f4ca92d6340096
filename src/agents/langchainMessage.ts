import type { AIMessage, BaseMessage, ToolMessage } from '@langchain/core/messages';
import { derivedUuid } from './derivedUuid.ts';
import { jsonSafe, jsonSafeMembers } from './jsonSafe.ts';

/** What a LangChain message says, in the words of the log. */
export interface SpokenMessage {
  readonly agentName: string;
  readonly agentType: string;
  readonly content: string;
  readonly metadata: Record<string, unknown>;
}

/** What the message cannot tell by itself. */
export interface Circumstances {
  /** Who speaks, where the message carries no name of its own. For tool results: the tool. */
  readonly agentName: string;
  readonly node?: string | undefined;
  readonly step?: number | undefined;
  /** More for the metadata. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

const agentTypes: Readonly<Record<string, string>> = {
  ai: 'agent',
  human: 'user',
  function: 'tool',
  assistant: 'agent',
};
const maxNameLength = 256;

/**
 * `content` is the message's text, the text blocks of structured content joined. In `metadata`, where there is something
 * to say: `content_blocks` (structured content as it came, unless it is nothing but text and tool calls), `tool_calls` and `invalid_tool_calls` (LangChain's form:
 * name, args, id), `tool_call_id` and `status: "error"` (tool results), `usage` (tokens), `langgraph_node`,
 * `langgraph_step`. Equal messages in equal circumstances give equal metadata.
 */
export function spokenMessage(message: BaseMessage, circumstances: Circumstances): SpokenMessage {
  const ai = message as Partial<AIMessage>;
  const tool = message as Partial<ToolMessage>;
  return {
    agentName: (message.name || circumstances.agentName || 'agent').slice(0, maxNameLength),
    agentType: agentTypeOf(message),
    content: textOf(message.content),
    metadata: jsonSafeMembers({
      tool_calls: filled(ai.tool_calls)?.map(({ name, args, id }) => ({ name, args, id })),
      invalid_tool_calls: filled(ai.invalid_tool_calls)?.map(({ name, args, id, error }) => ({
        name,
        args,
        id,
        error,
      })),
      tool_call_id: tool.tool_call_id,
      status: tool.status === 'error' ? tool.status : undefined,
      content_blocks: isPlain(message.content) ? undefined : message.content,
      usage: ai.usage_metadata,
      langgraph_node: circumstances.node,
      langgraph_step: circumstances.step,
      ...circumstances.extra,
    }),
  };
}

function agentTypeOf(message: BaseMessage): string {
  const type = message.getType();
  const role = type === 'generic' ? String((message as { role?: unknown }).role ?? '') || 'agent' : type;
  return (agentTypes[role] ?? role).slice(0, maxNameLength);
}

/** The text of a string or of the text blocks of structured content. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map(textOfBlock).join('');
}

function textOfBlock(block: unknown): string {
  if (typeof block === 'string') return block;
  const { type, text } = (block ?? {}) as { type?: unknown; text?: unknown };
  return (type === 'text' || type === 'text_delta') && typeof text === 'string' ? text : '';
}

/** Whether text and tool calls are all there is: some ways of streaming make blocks of them, others do not. */
function isPlain(content: BaseMessage['content']): boolean {
  return typeof content === 'string' || content.every((block) => Object.keys(block).every(isToldElsewhere(block.type)));
}

function isToldElsewhere(type: unknown): (key: string) => boolean {
  const told = type === 'text' ? ['type', 'text', 'index'] : ['type', 'id', 'name', 'args', 'index'];
  return (key) => (type === 'text' || type === 'tool_call') && told.includes(key);
}

/** Whether two messages say the same, in whichever form each provider or version writes it. */
export function saysTheSame(one: BaseMessage, other: BaseMessage): boolean {
  return one === other || gist(one) === gist(other);
}

function gist(message: BaseMessage): string {
  const { tool_calls: calls } = message as Partial<AIMessage>;
  const blocks =
    typeof message.content === 'string' ? [] : message.content.filter((block) => textOfBlock(block) === '');
  return JSON.stringify([
    message.getType(),
    textOf(message.content),
    filled(calls)?.map(({ name, args, id }) => [name, jsonSafe(args), id]),
    // Tool calls stand in both places in some providers' messages; they are compared above.
    jsonSafe(blocks.filter((block) => !/^(text|tool_use|tool_call|tool_call_chunk|function_call)$/.test(block.type))),
  ]);
}

/**
 * An id that follows from what is said and where: the same again gives the same id, anything else another one. `place`
 * is the LangGraph task (the same when a checkpoint is executed again) and a count of equal messages within it.
 */
export function derivedId(planId: string, place: readonly (string | number)[], spoken: SpokenMessage): string {
  const { agentName, agentType, content, metadata } = spoken;
  return derivedUuid(planId, place, agentName, agentType, content, metadata);
}

function filled<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return Array.isArray(list) && list.length > 0 ? list : undefined;
}
