import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { type AgentInputItem, getCurrentSpan, type ModelRequest } from '@openai/agents';
import type { AgentLog, AgentLogMessage } from './agentLog.ts';
import { saveInOrder } from './boundedSave.ts';
import { jsonSafe } from './jsonSafe.ts';
import {
  answerSpoken,
  type OutputItem,
  questionsIn,
  type SpokenItem,
  toolResultsIn,
  toolResultText,
} from './openaiAgentsItems.ts';
import { unharmed } from './unharmed.ts';

/** A call of a tool that a model has made in this run. */
interface Call {
  readonly name: string;
  readonly agentName: string;
  readonly isHandoff: boolean;
  isAnswered: boolean;
}

const maxNameLength = 256;

/**
 * Records one run: each message once, in the order of generation. Saves begin when something is said; a model is asked
 * when all that was said before is saved: stored, failed, or given up on after `maxWaitMs`. Nothing here throws.
 */
export class OpenAiRunRecorder {
  /** The recorder of the run that the code which asks is a part of; also of the runs of agents that are its tools. */
  static readonly current = new AsyncLocalStorage<OpenAiRunRecorder>();

  readonly planId: string;
  readonly log: AgentLog;
  /** Who is at work, where nothing tells it better. */
  agentName = 'agent';
  readonly #maxWaitMs: number | undefined;
  readonly #calls = new Map<string, Call>();
  #saved: Promise<void> = Promise.resolve();

  constructor(log: AgentLog, planId: string, maxWaitMs: number | undefined) {
    this.log = log;
    this.planId = planId;
    this.#maxWaitMs = maxWaitMs;
  }

  /** What the user says. */
  async asked(input: string | readonly AgentInputItem[]): Promise<void> {
    const questions = unharmed(() => questionsIn(input)) ?? [];
    await this.#save(questions.map((spoken) => this.#message('user', 'user', spoken)));
  }

  /** A model is about to be asked; what it is told that tools answered, and is not saved yet, is. */
  async beforeModel({ input }: ModelRequest): Promise<void> {
    const news = unharmed(() => {
      const found: AgentLogMessage[] = [];
      for (const result of toolResultsIn(input)) {
        const call = this.#unanswered(result.callId);
        if (call === undefined) continue;
        const content = toolResultText(result);
        found.push(
          call.isHandoff
            ? this.#handoff(call, nextAgent(content), result.callId)
            : this.#toolResult(call, result.callId, content),
        );
      }
      return found;
    });
    await this.#save(news ?? []);
  }

  /** A model has answered. `interrupted`: not to the end. */
  async answered(
    request: ModelRequest,
    messageId: string,
    agentName: string,
    { output, usage, responseId, failure }: Answer,
  ): Promise<void> {
    const message = unharmed(() => {
      const handoffs = new Set(request.handoffs.map(({ toolName }) => toolName));
      const { content, metadata } = answerSpoken(output, { handoffs, usage, responseId });
      for (const item of output) {
        if (item.type !== 'function_call') continue;
        const { name, callId } = item;
        this.#calls.set(callId, { name, agentName, isHandoff: handoffs.has(name), isAnswered: false });
      }
      const extra = failure === undefined ? {} : { interrupted: failure.why, error: jsonSafe(failure.error) };
      return { ...this.#message(agentName, 'agent', { content, metadata: { ...metadata, ...extra } }), messageId };
    });
    await this.#save(message === undefined ? [] : [message]);
  }

  /** A tool has answered. Not waited for: the next model is asked when it is saved. */
  toolEnded(agentName: string, toolName: string, callId: string, result: string): void {
    unharmed(() => {
      const known = this.#calls.get(callId);
      if (known?.isAnswered) return;
      const call = known ?? { name: toolName, agentName, isHandoff: false, isAnswered: false };
      call.isAnswered = true;
      this.#calls.set(callId, call);
      void this.#save([this.#toolResult(call, callId, result)]);
    });
  }

  /** An agent has handed over to another. Not waited for either. */
  handedOff(from: string, to: string): void {
    unharmed(() => {
      const found = [...this.#calls].find(([, call]) => call.isHandoff && !call.isAnswered && call.agentName === from);
      const call = found?.[1] ?? { name: 'handoff', agentName: from, isHandoff: true, isAnswered: false };
      call.isAnswered = true;
      void this.#save([this.#handoff(call, to, found?.[0])]);
    });
  }

  /** All that was said so far is saved, or given up on. */
  settled(): Promise<void> {
    return this.#saved;
  }

  /** Who asks the model: the agent of the innermost run. The SDK keeps it where it keeps its traces, sent or not. */
  speaker(): string {
    const data = getCurrentSpan()?.spanData as { agent_name?: unknown; name?: unknown; type?: unknown } | undefined;
    const name = data?.type === 'turn' ? data.agent_name : data?.type === 'agent' ? data.name : undefined;
    return typeof name === 'string' && name !== '' ? name : this.agentName;
  }

  #unanswered(callId: string): Call | undefined {
    const call = this.#calls.get(callId);
    if (call === undefined || call.isAnswered) return undefined;
    call.isAnswered = true;
    return call;
  }

  #toolResult(call: Call, callId: string, content: string): AgentLogMessage {
    return this.#message(call.name, 'tool', { content, metadata: { tool_call_id: callId } });
  }

  #handoff({ agentName }: Call, to: string, callId: string | undefined): AgentLogMessage {
    const metadata = { handoff_to: to, ...(callId === undefined ? {} : { tool_call_id: callId }) };
    return this.#message(agentName, 'handoff', { content: `Handed off to ${to}.`, metadata });
  }

  #message(agentName: string, agentType: string, { content, metadata }: SpokenItem): AgentLogMessage {
    const name = agentName.slice(0, maxNameLength) || agentType;
    return { planId: this.planId, messageId: randomUUID(), agentName: name, agentType, content, metadata };
  }

  /** In the order of the calls; answers when these and all before them are saved. */
  #save(messages: readonly AgentLogMessage[]): Promise<void> {
    const saved = saveInOrder(this.log, messages, this.#maxWaitMs);
    this.#saved = Promise.all([this.#saved, saved]).then(() => {});
    return this.#saved;
  }
}

export interface Answer {
  readonly output: readonly OutputItem[];
  readonly usage?: unknown;
  readonly responseId?: string | undefined;
  /** It is not whole. */
  readonly failure?: { readonly why: 'aborted' | 'error'; readonly error: unknown };
}

/** A handoff answers `{"assistant": "<name>"}`. */
function nextAgent(output: string): string {
  try {
    const { assistant } = JSON.parse(output) as { assistant?: unknown };
    return typeof assistant === 'string' ? assistant : output;
  } catch {
    return output;
  }
}
