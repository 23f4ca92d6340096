import type { AgentLogMessage } from './agentLog.ts';
import { AiSdkAnswer } from './aiSdkAnswer.ts';
import type { StreamPart } from './aiSdkModelCall.ts';
import type { DurableChatOptions } from './aiSdkOptions.ts';
import { saveInOrder } from './boundedSave.ts';
import { unharmed } from './unharmed.ts';

/** Why an answer is not whole. */
export interface Failure {
  readonly why: 'aborted' | 'error';
  readonly error: unknown;
}

interface AnswerEnd {
  readonly message: (answer: AiSdkAnswer, failure: Failure | undefined) => AgentLogMessage;
  /** It failed before it said anything, and is not saved. */
  readonly nothingSaid: () => void;
}

/**
 * An answer that is being streamed: shown as it comes, saved when it ends, whole or not. Shown from the moment the model
 * is asked, so that a page loaded before the first word knows that one comes. Nothing here throws.
 */
export class OpenAnswer {
  readonly #options: DurableChatOptions;
  readonly #id: string;
  readonly #end: AnswerEnd;
  readonly #answer = new AiSdkAnswer();
  #isOver = false;

  constructor(options: DurableChatOptions, id: string, end: AnswerEnd) {
    this.#options = options;
    this.#id = id;
    this.#end = end;
    unharmed(() => options.log.live?.streamStarted(options.planId, id, this.#agentName));
  }

  get #agentName(): string {
    return this.#options.agentName ?? 'assistant';
  }

  /** A part has come. If it is the last, the answer is saved when this resolves. */
  async take(part: StreamPart): Promise<void> {
    unharmed(() => this.#answer.take(part));
    if (part.type === 'text-delta' && part.delta !== '') {
      const { log, planId } = this.#options;
      unharmed(() => log.live?.streamDelta(planId, this.#id, this.#agentName, part.delta));
    }
    if (part.type === 'finish') await this.end();
  }

  /** No more comes. Of an answer that failed, what was written is saved, marked as such. */
  async end(failure?: Failure): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    const { log, planId, maxWaitMs } = this.#options;
    unharmed(() => log.live?.streamEnded(planId, this.#id, this.#agentName, this.#answer.text));
    if (failure !== undefined && this.#answer.isEmpty) return this.#end.nothingSaid();
    const message = unharmed(() => this.#end.message(this.#answer, failure));
    await saveInOrder(log, message === undefined ? [] : [message], maxWaitMs);
  }
}
