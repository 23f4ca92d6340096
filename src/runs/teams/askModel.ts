import type { BaseMessage } from '@langchain/core/messages';
import type { RunnableConfig } from '@langchain/core/runnables';
import { IndelibleError } from '../../protocol/errors.ts';
import type { ModelEndpoint } from './modelEndpoint.ts';

/** A chat model, with or without tools. */
interface Model<Answer> {
  invoke(messages: BaseMessage[], config?: RunnableConfig): Promise<Answer>;
}

/**
 * One answer of a model, within `endpoint.answerMs`. A failure is `run_failed`: it names the model, the place and the
 * status, and is made anew from texts in which the key, should the endpoint repeat it, is blotted out. The original
 * error goes no further: it holds the request.
 */
export async function askModel<Answer>(
  model: Model<Answer>,
  messages: BaseMessage[],
  endpoint: ModelEndpoint,
  config: RunnableConfig,
): Promise<Answer> {
  const deadline = AbortSignal.timeout(endpoint.answerMs);
  const signal = AbortSignal.any(config.signal === undefined ? [deadline] : [config.signal, deadline]);
  try {
    return await model.invoke(messages, { ...config, signal });
  } catch (error) {
    config.signal?.throwIfAborted();
    throw failure(error, endpoint, deadline.aborted);
  }
}

function failure(error: unknown, endpoint: ModelEndpoint, isLate: boolean): IndelibleError {
  const { origin, pathname } = new URL(endpoint.baseUrl);
  const subject = `the model ${endpoint.model} at ${origin}${pathname}`;
  const what = isLate ? `did not answer within ${endpoint.answerMs} ms` : `could not be asked: ${reasonOf(error)}`;
  const message = `${subject} ${what}`;
  const { apiKey } = endpoint;
  return new IndelibleError('run_failed', {
    message: apiKey ? message.replaceAll(apiKey, '[OPENAI_API_KEY]') : message,
  });
}

/** The first line of what was said: what LangChain adds below it is advice for programmers. */
function reasonOf(error: unknown): string {
  const said = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
  const codes = [...causes(error)].map(({ code }) => code).filter((code) => typeof code === 'string');
  return codes.length === 0 ? said : `${said} (${codes[0]})`;
}

/** Node tells in a cause's code why there is no connection. */
function* causes(error: unknown): Generator<{ readonly code?: unknown }> {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 8; depth++) {
    yield at;
    at = (at as { cause?: unknown }).cause;
  }
}
