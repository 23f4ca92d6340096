import { gateway, type LanguageModel, type LanguageModelMiddleware, wrapLanguageModel } from 'ai';
import type { StreamPart } from './aiSdkModelCall.ts';
import type { Failure } from './aiSdkOpenAnswer.ts';
import type { AiSdkRecorder } from './aiSdkRecorder.ts';
import { readToEnd } from './readToEnd.ts';

const unfinished = 'the stream ended without a finish';

type WrappedModel = ReturnType<typeof wrapLanguageModel>;

/**
 * The same model, whose answers are recorded. An answer is saved before its last part is passed on, so before a tool that
 * it calls starts, and before the caller is told that it is whole. A stream is read to its end at the model's pace, though
 * whoever reads it stops reading; only its `abortSignal` ends it early.
 */
export function durableModel(model: LanguageModel, recorder: AiSdkRecorder): WrappedModel {
  const middleware: LanguageModelMiddleware = {
    specificationVersion: 'v4',
    wrapGenerate: async ({ doGenerate, params }) => {
      await recorder.heard(params.prompt);
      const result = await doGenerate();
      await recorder.generated(params.prompt, result);
      return result;
    },
    wrapStream: async ({ doStream, params }) => {
      await recorder.heard(params.prompt);
      const answer = recorder.begin(params.prompt);
      try {
        const result = await doStream();
        return { ...result, stream: recorded(result.stream) };
      } catch (error) {
        await answer.end(failure(error));
        throw error;
      }

      function recorded(source: ReadableStream<StreamPart>): ReadableStream<StreamPart> {
        return readToEnd(source, {
          part: (part) => answer.take(part),
          end: (broken) => answer.end(broken === undefined ? failure(unfinished) : failure(broken.error)),
        });
      }

      function failure(error: unknown): Failure {
        return { why: params.abortSignal?.aborted ? 'aborted' : 'error', error };
      }
    },
  };
  return wrapLanguageModel({ model: resolved(model), middleware });
}

/** A name is a model of the AI SDK's provider, as the SDK itself takes it. */
function resolved(model: LanguageModel): Exclude<LanguageModel, string> {
  if (typeof model !== 'string') return model;
  return (globalThis.AI_SDK_DEFAULT_PROVIDER ?? gateway).languageModel(model);
}
