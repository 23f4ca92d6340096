import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage, AIMessageChunk, type BaseMessage } from '@langchain/core/messages';
import { type ChatGenerationChunk, type ChatResult, ChatGenerationChunk as Chunk } from '@langchain/core/outputs';
import { sleep } from './recordingLog.ts';

export type Line =
  | string
  | { text?: string; calls?: { name: string; args: object; id: string }[]; id?: string }
  | Error;

/** A chat model that says its lines in turn, word by word where it is asked to stream. */
export class ScriptedModel extends BaseChatModel {
  readonly #lines: Line[];
  readonly #wordMs: number;
  /** How it was asked, call by call. */
  readonly asked: ('stream' | 'whole')[] = [];

  constructor(lines: Line[], wordMs = 0) {
    super({});
    this.#lines = [...lines];
    this.#wordMs = wordMs;
  }

  override _llmType(): string {
    return 'scripted';
  }

  override bindTools(): this {
    return this;
  }

  override async _generate(): Promise<ChatResult> {
    this.asked.push('whole');
    const { text, calls, error, id } = this.#next();
    if (error) throw error;
    return { generations: [{ text, message: new AIMessage({ content: text, tool_calls: calls, ...id }) }] };
  }

  override async *_streamResponseChunks(
    _messages: BaseMessage[],
    options: this['ParsedCallOptions'],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    this.asked.push('stream');
    const { text, calls, error, id } = this.#next();
    for (const word of text.match(/\S+\s*/g) ?? []) {
      await sleep(this.#wordMs);
      options.signal?.throwIfAborted();
      const chunk = new Chunk({ text: word, message: new AIMessageChunk({ content: word, ...id }) });
      await runManager?.handleLLMNewToken(word, undefined, undefined, undefined, undefined, { chunk });
      yield chunk;
    }
    if (error) throw error;
    yield new Chunk({ text: '', message: new AIMessageChunk({ content: '', tool_calls: calls, ...id }) });
  }

  #next() {
    const line = this.#lines.shift() ?? '';
    if (line instanceof Error) return { text: 'half an', calls: [], error: line, id: {} };
    const { text = '', calls = [], id } = typeof line === 'string' ? { text: line } : line;
    return {
      text,
      calls: calls.map((call) => ({ ...call, type: 'tool_call' as const })),
      error: undefined,
      id: id ? { id } : {},
    };
  }
}
