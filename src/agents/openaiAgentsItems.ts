import type { AgentInputItem, ModelRequest, ModelResponse } from '@openai/agents';
import { jsonSafe, jsonSafeMembers } from './jsonSafe.ts';

export type OutputItem = ModelResponse['output'][number];
type ToolResult = Extract<AgentInputItem, { type: 'function_call_result' }>;

/** What a message of the log says, without whose it is. */
export interface SpokenItem {
  readonly content: string;
  readonly metadata: Record<string, unknown>;
}

/**
 * A model's answer. `content` is its text. In `metadata`, where there is something to say: `tool_calls` (name, args, id;
 * `handoff` of those that hand over), `content_blocks` (the items as they came, unless one text and tool calls are all
 * there is), `usage`, `response_id`.
 */
export function answerSpoken(
  output: readonly OutputItem[],
  { handoffs, usage, responseId }: { handoffs: ReadonlySet<string>; usage?: unknown; responseId?: string | undefined },
): SpokenItem {
  const calls = output.filter((item) => item.type === 'function_call');
  return {
    content: output.map(textOf).join(''),
    metadata: jsonSafeMembers({
      tool_calls:
        calls.length === 0
          ? undefined
          : calls.map(({ name, arguments: args, callId }) => ({
              name,
              args: parsed(args),
              id: callId,
              handoff: handoffs.has(name) ? true : undefined,
            })),
      content_blocks: isPlain(output) ? undefined : output,
      usage,
      response_id: responseId,
    }),
  };
}

/** What a tool answered, as the next model is told. */
export function toolResultText({ output }: Pick<ToolResult, 'output'>): string {
  if (typeof output === 'string') return output;
  const parts = Array.isArray(output) ? output : [output];
  const texts = parts.map((part) => ('text' in part && typeof part.text === 'string' ? part.text : undefined));
  return texts.every((text) => text !== undefined) ? texts.join('') : JSON.stringify(jsonSafe(output));
}

/** The user's new messages in what a run is given: all of a text, of items those that no answer follows yet. */
export function questionsIn(input: string | readonly AgentInputItem[]): SpokenItem[] {
  if (typeof input === 'string') return [{ content: input, metadata: {} }];
  const answered = input.findLastIndex((item) => !('role' in item) || item.role === 'assistant');
  return input.slice(answered + 1).flatMap((item) => (isUsers(item) ? [itemSpoken(item)] : []));
}

/** An item by itself: its text, and the item in the metadata where that is not all of it. */
export function itemSpoken(item: AgentInputItem): SpokenItem {
  const content = item.type === 'function_call_result' ? toolResultText(item) : textOf(item);
  return { content, metadata: isPlain([item]) ? {} : { content_blocks: [jsonSafe(item)] } };
}

export function toolResultsIn(input: ModelRequest['input']): ToolResult[] {
  return typeof input === 'string' ? [] : input.filter((item) => item.type === 'function_call_result');
}

function isUsers(item: AgentInputItem): boolean {
  return 'role' in item && item.role === 'user';
}

function textOf(item: AgentInputItem): string {
  if (!('role' in item)) return '';
  if (typeof item.content === 'string') return item.content;
  return item.content.map((part) => ('text' in part && typeof part.text === 'string' ? part.text : '')).join('');
}

function isPlain(output: readonly AgentInputItem[]): boolean {
  const messages = output.filter((item) => 'role' in item);
  const onlyText = messages.every(
    ({ content, providerData }) =>
      providerData === undefined &&
      (typeof content === 'string' || content.every(({ type }) => type === 'input_text' || type === 'output_text')),
  );
  const calls = output.filter((item) => item.type === 'function_call');
  return messages.length <= 1 && onlyText && messages.length + calls.length === output.length;
}

function parsed(args: string): unknown {
  try {
    return args.trim() === '' ? {} : JSON.parse(args);
  } catch {
    return args;
  }
}
