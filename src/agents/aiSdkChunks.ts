import type { UIMessageChunk } from 'ai';
import type { JsonObject, JsonValue } from '../protocol/jsonText.ts';
import type { WireMessageBody } from '../protocol/messageBytes.ts';
import { isToolAnswer, toolCallsOf } from './aiSdkConversation.ts';

type ProviderMetadata = NonNullable<Extract<UIMessageChunk, { type: 'text-start' }>['providerMetadata']>;

/** A message of an answer as what the AI SDK streams to a page for it: the parts of a step, or a tool's answer. */
export function chunksOf(message: WireMessageBody): UIMessageChunk[] {
  return isToolAnswer(message) ? toolChunks(message) : answerChunks(message);
}

function toolChunks({ content, metadata }: WireMessageBody): UIMessageChunk[] {
  const toolCallId = metadata['tool_call_id'];
  if (typeof toolCallId !== 'string') return [];
  return metadata['status'] === 'error'
    ? [{ type: 'tool-output-error', toolCallId, errorText: content }]
    : [{ type: 'tool-output-available', toolCallId, output: metadata['output'] ?? content }];
}

function answerChunks(message: WireMessageBody): UIMessageChunk[] {
  const { content_blocks: blocks } = message.metadata;
  if (Array.isArray(blocks)) return blocks.flatMap((block, place) => blockChunks(message, block, place));
  return [
    ...textChunks(message.message_id, message.content),
    ...toolCallsOf(message).flatMap((call) => callChunks(call)),
  ];
}

function textChunks(id: string, text: string): UIMessageChunk[] {
  if (text === '') return [];
  return [
    { type: 'text-start', id },
    { type: 'text-delta', id, delta: text },
    { type: 'text-end', id },
  ];
}

function callChunks(call: JsonObject, providerMetadata?: ProviderMetadata): UIMessageChunk[] {
  const { id, name, args, provider_executed: byProvider, dynamic } = call;
  if (typeof id !== 'string' || typeof name !== 'string') return [];
  return [
    {
      type: 'tool-input-available',
      toolCallId: id,
      toolName: name,
      input: args,
      ...(byProvider === true ? { providerExecuted: true } : {}),
      ...(dynamic === true ? { dynamic: true } : {}),
      ...(providerMetadata === undefined ? {} : { providerMetadata }),
    },
  ];
}

function blockChunks(message: WireMessageBody, value: JsonValue, place: number): UIMessageChunk[] {
  const block = value as JsonObject;
  const id = `${message.message_id}-${place}`;
  const { providerMetadata } = block;
  const origin = providerMetadata === undefined ? {} : { providerMetadata: providerMetadata as ProviderMetadata };
  switch (block['type']) {
    case 'text':
    case 'reasoning':
      return spoken(block['type'], id, block, origin);
    case 'tool-call': {
      const call = toolCallsOf(message).find((candidate) => candidate['id'] === block['id']);
      return call === undefined ? [] : callChunks(call, origin.providerMetadata);
    }
    case 'tool-result':
      return providerToolChunks(block, origin);
    case 'source':
      return [sourceChunk(block, origin)];
    case 'file':
    case 'reasoning-file': {
      const { url, mediaType } = block;
      if (typeof url !== 'string' || typeof mediaType !== 'string') return [];
      return [{ type: block['type'], url, mediaType, ...origin }];
    }
    case 'custom':
      return [{ type: 'custom', kind: String(block['kind']) as `${string}.${string}`, ...origin }];
    default:
      return [];
  }
}

type Origin = { providerMetadata?: ProviderMetadata };

function spoken(type: 'text' | 'reasoning', id: string, block: JsonObject, origin: Origin): UIMessageChunk[] {
  const { citations } = block as { citations?: Extract<UIMessageChunk, { type: 'text-end' }>['citations'] };
  return [
    { type: `${type}-start`, id, ...origin },
    { type: `${type}-delta`, id, delta: String(block['text'] ?? '') },
    { type: `${type}-end`, id, ...(type === 'text' && citations !== undefined ? { citations } : {}) },
  ] as UIMessageChunk[];
}

/** Of a tool that the provider ran itself, in the middle of the answer. */
function providerToolChunks(block: JsonObject, origin: Origin): UIMessageChunk[] {
  const { toolCallId, result, isError, dynamic } = block;
  if (typeof toolCallId !== 'string') return [];
  const common = { toolCallId, providerExecuted: true, ...(dynamic === true ? { dynamic } : {}), ...origin };
  if (isError !== true) return [{ type: 'tool-output-available', output: result, ...common }];
  const errorText = typeof result === 'string' ? result : JSON.stringify(result);
  return [{ type: 'tool-output-error', errorText, ...common }];
}

function sourceChunk(block: JsonObject, origin: Origin): UIMessageChunk {
  const { id, url, title, mediaType, filename } = block as Record<string, string | undefined>;
  const sourceId = id ?? '';
  if (block['sourceType'] === 'url') {
    return { type: 'source-url', sourceId, url: url ?? '', ...(title === undefined ? {} : { title }), ...origin };
  }
  const named = filename === undefined ? {} : { filename };
  return { type: 'source-document', sourceId, mediaType: mediaType ?? '', title: title ?? '', ...named, ...origin };
}
