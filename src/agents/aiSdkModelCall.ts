import type { LanguageModelMiddleware } from 'ai';

type WrapGenerate = NonNullable<LanguageModelMiddleware['wrapGenerate']>;
type WrapStream = NonNullable<LanguageModelMiddleware['wrapStream']>;

/** What the AI SDK asks of a model, and what a model answers, in the model's own terms. */
export type ModelPrompt = Parameters<WrapStream>[0]['params']['prompt'];
export type PromptMessage = ModelPrompt[number];
export type GenerateResult = Awaited<ReturnType<WrapGenerate>>;
export type StreamResult = Awaited<ReturnType<WrapStream>>;
export type StreamPart = StreamResult['stream'] extends ReadableStream<infer Part> ? Part : never;
export type ContentPart = GenerateResult['content'][number];
export type FinishPart = Extract<StreamPart, { type: 'finish' }>;
export type ToolCall = Extract<ContentPart, { type: 'tool-call' }>;
