import { BaseCallbackHandler } from '@langchain/core/callbacks/base';
import { isBaseMessage } from '@langchain/core/messages';
import type { LLMResult } from '@langchain/core/outputs';
import { textOf } from './langchainMessage.ts';
import { type DurableOptions, RunRecorder } from './runRecorder.ts';

/** LangGraph gives it to a node's run, and to nothing within the node. */
const nodeTag = /^graph:step:\d+$/;

type Metadata = Record<string, unknown> | undefined;

/**
 * LangChain's callbacks, told to a {@link RunRecorder}. LangChain awaits this handler (`awaitHandlers`): a model, a tool
 * and a node go on when what they wrote is saved. One handler serves any number of runs at a time.
 */
export class DurableHandler extends BaseCallbackHandler {
  override readonly name = 'indelible';
  override awaitHandlers = true;
  /** Lets through the one thing the recorder throws: a plan id missing at the start of a run. */
  override raiseError = true;
  /** Has models stream in `invoke` too, so that their text is live; not when nobody can watch. */
  readonly lc_prefer_streaming: boolean;
  readonly recorder: RunRecorder;

  constructor(options: DurableOptions) {
    super();
    this.recorder = new RunRecorder(options);
    this.lc_prefer_streaming = options.log.live !== undefined;
  }

  // Parameters stand in the order in which core 1.x passes them, which its types give otherwise.
  override handleChainStart(
    _chain: unknown,
    inputs: unknown,
    id: string,
    parentId?: string,
    tags?: string[],
    metadata?: Metadata,
    _runType?: string,
    name?: string,
  ): void {
    const run = this.recorder.start({ id, parentId, name, tags, metadata });
    if (run === undefined || !tags?.some((tag) => nodeTag.test(tag))) return;
    this.recorder.enterNode(run, String(metadata?.['langgraph_node'] ?? name ?? ''), inputs, metadata);
  }

  override async handleChainEnd(outputs: unknown, id: string): Promise<void> {
    const run = this.recorder.end(id);
    if (run?.node !== undefined || run?.isGraph) await this.recorder.returned(run, outputs);
  }

  /** A `Command` for the parent graph leaves its node as an error. */
  override async handleChainError(error: unknown, id: string): Promise<void> {
    const run = this.recorder.end(id);
    const { name, command } = (error ?? {}) as { name?: unknown; command?: unknown };
    if (run?.node !== undefined && name === 'ParentCommand') await this.recorder.returned(run, command);
  }

  override handleChatModelStart(
    _model: unknown,
    _messages: unknown,
    id: string,
    parentId?: string,
    _extra?: unknown,
    tags?: string[],
    metadata?: Metadata,
    name?: string,
  ): void {
    const run = this.recorder.start({ id, parentId, name, tags, metadata });
    if (run !== undefined) this.recorder.asks(run);
  }

  override handleLLMNewToken(
    token: string,
    _index: unknown,
    id: string,
    _parentId?: string,
    _tags?: string[],
    fields?: { chunk?: unknown },
  ): void {
    const { message } = (fields?.chunk ?? {}) as { message?: { content?: unknown } };
    this.recorder.write(id, textOf(token) || textOf(message?.content));
  }

  /** How tokens come while a graph is watched by `streamEvents` version 3. */
  override handleChatModelStreamEvent(event: unknown, id: string): void {
    const { delta } = event as { delta?: { type?: unknown; text?: unknown } };
    if (delta?.type === 'text-delta') this.recorder.write(id, textOf(delta.text));
  }

  override async handleLLMEnd(output: LLMResult, id: string): Promise<void> {
    const { message } = (output.generations[0]?.[0] ?? {}) as { message?: unknown };
    if (!isBaseMessage(message)) return void this.recorder.end(id);
    const run = this.recorder.end(id, textOf(message.content));
    if (run !== undefined) await this.recorder.answered(run, message);
  }

  override handleLLMError(_error: unknown, id: string): void {
    this.recorder.end(id);
  }

  override handleToolStart(
    _tool: unknown,
    _input: unknown,
    id: string,
    parentId?: string,
    tags?: string[],
    metadata?: Metadata,
    name?: string,
  ): void {
    this.recorder.start({ id, parentId, name, tags, metadata });
  }

  override async handleToolEnd(output: unknown, id: string): Promise<void> {
    const run = this.recorder.end(id);
    const isCommand = (output as { lg_name?: unknown } | undefined)?.lg_name === 'Command';
    if (run !== undefined && (isCommand || isBaseMessage(output))) await this.recorder.returned(run, output);
  }

  override handleToolError(_error: unknown, id: string): void {
    this.recorder.end(id);
  }

  override handleRetrieverStart(
    _retriever: unknown,
    _query: unknown,
    id: string,
    parentId?: string,
    tags?: string[],
    metadata?: Metadata,
    name?: string,
  ): void {
    this.recorder.start({ id, parentId, name, tags, metadata });
  }

  override handleRetrieverEnd(_documents: unknown, id: string): void {
    this.recorder.end(id);
  }

  override handleRetrieverError(_error: unknown, id: string): void {
    this.recorder.end(id);
  }
}
