import {
  createUIMessageStreamResponse,
  type LanguageModel,
  type ToolSet,
  toUIMessageStream,
  type UIMessage,
  type UIMessageStreamOptions,
  type wrapLanguageModel,
} from 'ai';
import { durableModel } from './aiSdkDurableModel.ts';
import type { DurableChatOptions } from './aiSdkOptions.ts';
import { AiSdkRecorder } from './aiSdkRecorder.ts';
import type { ToolAnswer } from './aiSdkSpoken.ts';
import { unharmed } from './unharmed.ts';

export type { AgentLog, LiveChannel } from './agentLog.ts';
export { chatMessages } from './aiSdkChatMessages.ts';
export type { DurableChatOptions } from './aiSdkOptions.ts';
export { openIndelible } from './indelible.ts';

/** What the AI SDK tells of a tool that has ended; of more than this nothing is asked. */
interface ToolEnd {
  readonly toolCall: { readonly toolCallId: string; readonly toolName: string };
  readonly toolOutput: { readonly type: string; readonly output?: unknown; readonly error?: unknown };
}

interface Streamed<TOOLS extends ToolSet> {
  readonly stream: Parameters<typeof toUIMessageStream<TOOLS>>[0]['stream'];
  consumeStream(options?: { onError?: (error: unknown) => void }): PromiseLike<void>;
}

type UiStreamOptions = Omit<UIMessageStreamOptions<UIMessage>, 'originalMessages' | 'generateMessageId'>;

/**
 * One request of the AI SDK whose messages are saved while it runs.
 *
 * ```ts
 * import { durable, openIndelible } from 'indelible/ai-sdk';
 * const indelible = await openIndelible();
 *
 * const chat = durable({ log: indelible, planId: id, messages });
 * const result = streamText({ ...chat.settings({ model, tools }), messages: await convertToModelMessages(messages) });
 * return chat.respond(result);
 * ```
 *
 * Guaranteed of each request:
 * - The user's message is saved before the model is asked. A model's answer (with its tool calls, and what it thought in
 *   the metadata) is saved before its last part is passed on, so before a tool starts; a tool's answer before the next
 *   step. Saved: stored, failed, or not answered within `maxWaitMs`.
 * - Each message is saved once, under an id that stays. A retry of a request whose messages have ids adds nothing.
 * - A model's stream is read to its end although the client has gone; with {@link DurableChat.respond} the steps behind
 *   it come too. What was written of an answer that was aborted or broke is saved, with `interrupted` in the metadata.
 * - With `log.live`, text is shown as it comes.
 * - A log that fails, throws or hangs never fails the request, and nothing that the model or the page gets is changed.
 *
 * Not in the log: preliminary results of tools, and approvals (what an approved tool answers is).
 */
export function durable(options: DurableChatOptions): DurableChat {
  return new DurableChat(options);
}

export class DurableChat {
  readonly #options: DurableChatOptions;
  readonly #recorder: AiSdkRecorder;

  constructor(options: DurableChatOptions) {
    this.#options = options;
    this.#recorder = new AiSdkRecorder(options);
  }

  /**
   * For `streamText`, `generateText` or an agent: the same model and tools, recorded. A tool's answer is heard by
   * `onToolExecutionEnd`; where the call has one of its own, when the next step begins.
   */
  settings<S extends { readonly model: LanguageModel; readonly tools?: ToolSet | undefined }>(
    given: S,
  ): Omit<S, 'model'> & { model: LanguageModel; onToolExecutionEnd: (end: ToolEnd) => Promise<void> } {
    this.#recorder.tools = given.tools;
    return {
      ...given,
      model: this.wrap(given.model),
      onToolExecutionEnd: async (end) => {
        const answer = unharmed(() => toolAnswer(end));
        if (answer !== undefined) await this.#recorder.toolEnded(answer);
      },
    };
  }

  /** The same model, recorded: for a `prepareStep` that changes the model. {@link settings} does it for the rest. */
  wrap(model: LanguageModel): ReturnType<typeof wrapLanguageModel> {
    return durableModel(model, this.#recorder);
  }

  /**
   * What the page is sent: the AI SDK's own stream, the message under the id that it has in the log. The run goes on to
   * its end, whoever reads.
   */
  uiStream<TOOLS extends ToolSet>(result: Streamed<TOOLS>, options: UiStreamOptions = {}) {
    void Promise.resolve(result.consumeStream({ onError: () => {} })).catch(() => {});
    return toUIMessageStream<TOOLS>({
      tools: this.#recorder.tools as TOOLS,
      ...options,
      stream: result.stream,
      originalMessages: [...(this.#options.messages ?? [])],
      generateMessageId: () => this.#recorder.responseId,
    });
  }

  /** {@link uiStream} as the response that `useChat` reads. */
  respond<TOOLS extends ToolSet>(result: Streamed<TOOLS>, options?: UiStreamOptions): Response {
    return createUIMessageStreamResponse({ stream: this.uiStream(result, options) });
  }
}

function toolAnswer({ toolCall, toolOutput }: ToolEnd): Omit<ToolAnswer, 'occurrence'> {
  const { toolCallId, toolName } = toolCall;
  if (toolOutput.type !== 'tool-error') return { toolCallId, toolName, output: toolOutput.output };
  const { error } = toolOutput;
  return { toolCallId, toolName, output: error instanceof Error ? error.message : error, isError: true };
}
