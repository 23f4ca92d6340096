import { randomUUID } from 'node:crypto';
import type { ToolSet, UIMessage } from 'ai';
import type { AgentLogMessage } from './agentLog.ts';
import { AiSdkAnswer, type ToolFacts } from './aiSdkAnswer.ts';
import type { GenerateResult, ModelPrompt } from './aiSdkModelCall.ts';
import { type Failure, OpenAnswer } from './aiSdkOpenAnswer.ts';
import type { DurableChatOptions } from './aiSdkOptions.ts';
import {
  callsOf,
  promptSpoken,
  promptToolAnswer,
  type ToolAnswer,
  toolAnswerSpoken,
  uiMessageSpoken,
  unanswered,
} from './aiSdkSpoken.ts';
import { saveInOrder } from './boundedSave.ts';
import { jsonSafe } from './jsonSafe.ts';
import { unharmed } from './unharmed.ts';

/**
 * Records the model calls of one request, or of whatever `durable()` was called for: each message once, in the order of
 * generation. What returns a promise has saved when that resolves: stored, failed, or given up on after `maxWaitMs`.
 * Nothing here throws.
 */
export class AiSdkRecorder {
  /** The id of the message that the page shows the answer as. */
  readonly responseId: string;
  tools: ToolSet | undefined;
  readonly #options: DurableChatOptions;
  readonly #heard = new WeakSet<ModelPrompt>();
  readonly #toolAnswers = new Set<string>();
  readonly #occurrences = new Map<string, number>();
  readonly #lastUi: UIMessage | undefined;
  #uiSaved = false;
  /** Whether the first answer is still to come: its id is that of the page's message. Each further step has its own. */
  #isFirst: boolean;

  constructor(options: DurableChatOptions) {
    this.#options = options;
    this.#lastUi = options.messages?.at(-1);
    const goesOn = this.#lastUi?.role === 'assistant';
    this.responseId = goesOn && this.#lastUi !== undefined ? this.#lastUi.id : randomUUID();
    this.#isFirst = !goesOn;
  }

  /** What is new in what a model is asked, saved before it is asked. The same prompt again is a retry. */
  async heard(prompt: ModelPrompt): Promise<void> {
    if (this.#heard.has(prompt)) return;
    this.#heard.add(prompt);
    await this.#save(unharmed(() => this.#newIn(prompt)) ?? []);
  }

  #newIn(prompt: ModelPrompt): AgentLogMessage[] {
    const { planId } = this.#options;
    const isAsked = this.#lastUi?.role === 'user';
    const news: AgentLogMessage[] = [];
    for (const message of unanswered(prompt)) {
      if (message.role === 'user' && this.#lastUi === undefined) news.push(promptSpoken(planId, message));
      if (message.role !== 'tool') continue;
      for (const part of message.content) {
        if (part.type !== 'tool-result') continue;
        const answer = this.#toolAnswer({
          ...promptToolAnswer(part),
          occurrence: Math.max(1, callsOf(prompt, part.toolCallId)),
        });
        if (answer !== undefined) news.push(answer);
      }
    }
    if (isAsked && !this.#uiSaved && this.#lastUi !== undefined) news.push(uiMessageSpoken(planId, this.#lastUi));
    this.#uiSaved = true;
    return news;
  }

  /** A model is asked: shown as an answer that is being written from now on, though it has no text yet. */
  begin(prompt: ModelPrompt): OpenAnswer {
    const place = this.#place();
    return new OpenAnswer(this.#options, place.id, {
      message: (answer, failure) => this.#message(prompt, place, answer, failure),
      nothingSaid: () => {
        if (place.isFirst) this.#isFirst = true;
      },
    });
  }

  /** A model has answered at once: nothing is shown before it is whole. */
  async generated(prompt: ModelPrompt, result: GenerateResult): Promise<void> {
    const message = unharmed(() => this.#message(prompt, this.#place(), AiSdkAnswer.of(result), undefined));
    await this.#save(message === undefined ? [] : [message]);
  }

  #place(): Place {
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    return { isFirst, id: isFirst ? this.responseId : randomUUID() };
  }

  #message(prompt: ModelPrompt, place: Place, answer: AiSdkAnswer, failure: Failure | undefined): AgentLogMessage {
    for (const part of answer.content) {
      if (part.type === 'tool-call') this.#occurrences.set(part.toolCallId, callsOf(prompt, part.toolCallId) + 1);
    }
    const follows = place.isFirst && this.#lastUi?.role === 'user' ? this.#lastUi.id : undefined;
    return {
      planId: this.#options.planId,
      messageId: place.id,
      agentName: this.#options.agentName ?? 'assistant',
      agentType: 'agent',
      content: answer.text,
      metadata: {
        ...answer.metadata((name) => this.#factsOf(name)),
        ...(follows === undefined ? {} : { follows }),
        ...(failure === undefined ? {} : { interrupted: failure.why, error: jsonSafe(failure.error) }),
      },
    };
  }

  /** A tool of this process has answered. */
  async toolEnded(answer: Omit<ToolAnswer, 'occurrence'>): Promise<void> {
    const occurrence = this.#occurrences.get(answer.toolCallId) ?? 1;
    const message = unharmed(() => this.#toolAnswer({ ...answer, occurrence }));
    await this.#save(message === undefined ? [] : [message]);
  }

  #toolAnswer(answer: ToolAnswer): AgentLogMessage | undefined {
    const key = `${answer.occurrence} ${answer.toolCallId}`;
    if (this.#toolAnswers.has(key)) return undefined;
    this.#toolAnswers.add(key);
    return toolAnswerSpoken(this.#options.planId, answer);
  }

  #factsOf(toolName: string): ToolFacts {
    const tool = this.tools !== undefined && Object.hasOwn(this.tools, toolName) ? this.tools[toolName] : undefined;
    if (tool === undefined) return {};
    return { awaitsClient: tool.execute === undefined, ...(tool.type === 'dynamic' ? { dynamic: true } : {}) };
  }

  #save(messages: readonly AgentLogMessage[]): Promise<void> {
    return saveInOrder(this.#options.log, messages, this.#options.maxWaitMs);
  }
}

/** Which answer of the request it is, and under which id. */
interface Place {
  readonly isFirst: boolean;
  readonly id: string;
}
