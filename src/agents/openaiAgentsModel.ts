import { randomUUID } from 'node:crypto';
import type { Model, ModelProvider, ModelRequest, ModelResponse, StreamEvent } from '@openai/agents';
import { OpenAiRunRecorder } from './openaiAgentsRecorder.ts';
import { unharmed } from './unharmed.ts';

const durableModels = new WeakSet<Model>();

/**
 * The same model, for agents that are given a model and not a name of one. In a run of a `durable` runner its answers are
 * saved before the run goes on: before a tool that it calls starts, before the last event of a stream is passed on.
 * Elsewhere it is as it was.
 */
export function durableModel(model: Model): Model {
  if (durableModels.has(model)) return model;
  const durable: Model = {
    ...(model.supportsPromptModelSelection === undefined
      ? {}
      : { supportsPromptModelSelection: model.supportsPromptModelSelection }),
    getResponse: (request) => {
      const run = OpenAiRunRecorder.current.getStore();
      return run === undefined ? model.getResponse(request) : respond(run, model, request);
    },
    getStreamedResponse: (request) => {
      const run = OpenAiRunRecorder.current.getStore();
      return run === undefined ? model.getStreamedResponse(request) : stream(run, model, request);
    },
    getRetryAdvice: (args) => model.getRetryAdvice?.(args),
  };
  durableModels.add(durable);
  return durable;
}

export function isDurableModel(model: object): boolean {
  return durableModels.has(model as Model);
}

export function durableProvider(provider: ModelProvider): ModelProvider {
  return { getModel: async (name) => durableModel(await provider.getModel(name)) };
}

async function respond(run: OpenAiRunRecorder, model: Model, request: ModelRequest): Promise<ModelResponse> {
  const speaker = run.speaker();
  await run.beforeModel(request);
  const response = await model.getResponse(request);
  await run.answered(request, randomUUID(), speaker, response);
  return response;
}

async function* stream(run: OpenAiRunRecorder, model: Model, request: ModelRequest): AsyncGenerator<StreamEvent> {
  const speaker = run.speaker();
  await run.beforeModel(request);
  const answer = new OpenAnswer(run, request, speaker);
  try {
    for await (const event of model.getStreamedResponse(request)) {
      if (event.type === 'output_text_delta') answer.write(event.delta);
      if (event.type === 'response_done') {
        const { output, usage, id } = event.response;
        await answer.end({ output, usage, responseId: id });
      }
      yield event;
    }
    await answer.end({ failure: { why: 'error', error: 'the stream ended without a response' } });
  } catch (error) {
    await answer.end({ failure: { why: request.signal?.aborted ? 'aborted' : 'error', error } });
    throw error;
  } finally {
    // Whoever reads has stopped reading.
    await answer.end({ failure: { why: 'aborted', error: 'the run was given up' } });
  }
}

type Ending = Partial<Parameters<OpenAiRunRecorder['answered']>[3]>;

/** An answer that is being streamed: shown as it comes; saved when it ends, and if it said anything, when it breaks. */
class OpenAnswer {
  readonly #run: OpenAiRunRecorder;
  readonly #request: ModelRequest;
  readonly #speaker: string;
  readonly #id = randomUUID();
  #text = '';
  #isOver = false;

  constructor(run: OpenAiRunRecorder, request: ModelRequest, speaker: string) {
    this.#run = run;
    this.#request = request;
    this.#speaker = speaker;
    unharmed(() => run.log.live?.streamStarted(run.planId, this.#id, speaker));
  }

  write(delta: string): void {
    this.#text += delta;
    if (delta !== '') unharmed(() => this.#run.log.live?.streamDelta(this.#run.planId, this.#id, this.#speaker, delta));
  }

  async end({ output, ...ending }: Ending): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    unharmed(() => this.#run.log.live?.streamEnded(this.#run.planId, this.#id, this.#speaker, this.#text));
    if (output === undefined && this.#text === '') return;
    await this.#run.answered(this.#request, this.#id, this.#speaker, {
      ...ending,
      output: output ?? [said(this.#text)],
    });
  }
}

function said(text: string): ModelResponse['output'][number] {
  return { type: 'message', role: 'assistant', status: 'incomplete', content: [{ type: 'output_text', text }] };
}
