import type { ContentPart, FinishPart, GenerateResult, StreamPart, ToolCall } from './aiSdkModelCall.ts';
import { jsonSafeMembers } from './jsonSafe.ts';

/** Of files that a model makes, in characters of base64; what is larger is told of, and not kept in the message. */
const maxFileLength = 1024 * 1024;

/** What is known of a tool beside the model's call of it. */
export interface ToolFacts {
  /** Its part in a UI message is a `dynamic-tool`. */
  readonly dynamic?: boolean;
  /** The client executes it: the run waits for the client. */
  readonly awaitsClient?: boolean;
}

type Text = Extract<ContentPart, { type: 'text' }>;
type ProviderMetadata = NonNullable<Text['providerMetadata']>;

/** A text or thought that is being written. */
interface OpenBlock {
  readonly type: 'text' | 'reasoning';
  text: string;
  providerMetadata?: ProviderMetadata;
  citations?: NonNullable<Text['citations']>;
}

/**
 * A model's answer while it comes: collects the parts of a stream into what the same answer would be if it had not been
 * streamed. `text` is what was written so far.
 */
export class AiSdkAnswer {
  text = '';
  finish: Pick<FinishPart, 'finishReason' | 'usage'> | undefined;
  response: { readonly id?: string | undefined; readonly modelId?: string | undefined } = {};
  readonly content: ContentPart[] = [];
  readonly #open = new Map<string, OpenBlock>();

  static of(result: GenerateResult): AiSdkAnswer {
    const answer = new AiSdkAnswer();
    answer.content.push(...result.content);
    answer.text = result.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
    answer.finish = result;
    answer.response = result.response ?? {};
    return answer;
  }

  get isEmpty(): boolean {
    return this.content.every((part) => (part.type === 'text' || part.type === 'reasoning') && part.text === '');
  }

  take(part: StreamPart): void {
    switch (part.type) {
      case 'text-start':
      case 'reasoning-start':
        this.#begin(part.type === 'text-start' ? 'text' : 'reasoning', part);
        break;
      case 'text-delta':
      case 'reasoning-delta':
        this.#goOn(part.type === 'text-delta' ? 'text' : 'reasoning', part);
        break;
      case 'text-end':
      case 'reasoning-end': {
        const open = this.#open.get(part.type.slice(0, -4) + part.id);
        if (open !== undefined && part.providerMetadata !== undefined) open.providerMetadata = part.providerMetadata;
        if (open !== undefined && 'citations' in part && part.citations !== undefined) open.citations = part.citations;
        break;
      }
      case 'response-metadata':
        this.response = part;
        break;
      case 'finish':
        this.finish = part;
        break;
      case 'tool-call':
      case 'tool-approval-request':
      case 'file':
      case 'reasoning-file':
      case 'source':
      case 'custom':
        this.content.push(part);
        break;
      case 'tool-result':
        if (part.preliminary !== true) this.content.push(part);
        break;
      default:
    }
  }

  #begin(type: OpenBlock['type'], part: { id: string; providerMetadata?: ProviderMetadata }): OpenBlock {
    const { providerMetadata } = part;
    const block: OpenBlock = { type, text: '', ...(providerMetadata === undefined ? {} : { providerMetadata }) };
    this.#open.set(type + part.id, block);
    this.content.push(block);
    return block;
  }

  #goOn(type: OpenBlock['type'], part: { id: string; delta: string; providerMetadata?: ProviderMetadata }): void {
    const block = this.#open.get(type + part.id) ?? this.#begin(type, part);
    block.text += part.delta;
    if (part.providerMetadata !== undefined) block.providerMetadata = part.providerMetadata;
    if (type === 'text') this.text += part.delta;
  }

  /**
   * For the metadata of its message, where there is something to say: `tool_calls` (name, args, id), `content_blocks` (the
   * parts in order, unless text and then tool calls are all there is), `finish_reason`, `usage`, `model`, `response_id`.
   */
  metadata(factsOf: (toolName: string) => ToolFacts): Record<string, unknown> {
    const calls = this.content.filter((part) => part.type === 'tool-call');
    return jsonSafeMembers({
      tool_calls: calls.length === 0 ? undefined : calls.map((call) => toolCall(call, factsOf(call.toolName))),
      content_blocks: isPlain(this.content) ? undefined : this.content.map(block),
      finish_reason: this.finish?.finishReason.unified,
      usage: this.finish?.usage,
      model: this.response.modelId,
      response_id: this.response.id,
    });
  }
}

function toolCall(call: ToolCall, facts: ToolFacts): Record<string, unknown> {
  return {
    name: call.toolName,
    args: parsed(call.input),
    id: call.toolCallId,
    provider_executed: call.providerExecuted,
    dynamic: facts.dynamic ?? call.dynamic,
    awaits_client: facts.awaitsClient && !call.providerExecuted ? true : undefined,
  };
}

function parsed(input: string): unknown {
  try {
    return input.trim() === '' ? {} : JSON.parse(input);
  } catch {
    return input;
  }
}

/** What the message's own text and its `tool_calls` say in full. */
function isPlain(content: readonly ContentPart[]): boolean {
  return content.every(
    (part, place) =>
      part.providerMetadata === undefined &&
      (part.type === 'tool-call' || (part.type === 'text' && place === 0 && part.citations === undefined)),
  );
}

function block(part: ContentPart): unknown {
  // The call itself stands in `tool_calls`.
  if (part.type === 'tool-call')
    return { type: part.type, id: part.toolCallId, providerMetadata: part.providerMetadata };
  if (part.type !== 'file' && part.type !== 'reasoning-file') return part;
  const { data, ...file } = part;
  if (data.type === 'url') return { ...file, url: String(data.url) };
  const base64 = typeof data.data === 'string' ? data.data : Buffer.from(data.data).toString('base64');
  return base64.length > maxFileLength
    ? { ...file, left_out: base64.length }
    : { ...file, url: `data:${part.mediaType};base64,${base64}` };
}
