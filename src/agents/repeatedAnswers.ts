import { type Clock, systemClock } from '../resilience/clock.ts';
import type { AgentLog, AgentLogMessage } from './agentLog.ts';
import { derivedUuid } from './derivedUuid.ts';

/** How many answers of this process are remembered: those whose tasks are still under way. */
const remembered = 1_000;

/**
 * What becomes of a model's answer whose task may be executed again: after a human was asked, a retry, or the death of a
 * process. The answer's id is its place: the task, and which of its answers it is; so it is known before the first
 * token, and the second execution finds what the first one said.
 *
 * Guaranteed: the same said again is in the log once. Something else said again is in the log under an id of its own,
 * with `metadata.replaces` naming the first, which stays: it may have been read. Nothing said is ever left out; where the
 * database cannot be asked, the log may hold the same twice.
 */
export class RepeatedAnswers {
  readonly #log: AgentLog;
  readonly #maxWaitMs: number;
  readonly #clock: Clock;

  constructor(log: AgentLog, maxWaitMs: number, clock: Clock = systemClock) {
    this.#log = log;
    this.#maxWaitMs = maxWaitMs;
    this.#clock = clock;
  }

  /**
   * What is to be saved of an answer that is named by its place, undefined if it is there. `otherwise`: an id that
   * nothing else has, for when the log does not say what is there.
   */
  async toSave(answer: AgentLogMessage, otherwise: string): Promise<AgentLogMessage | undefined> {
    const first = await this.#earlier(answer);
    if (first === 'unknown') return { ...answer, messageId: otherwise };
    if (first === undefined) return this.#remember(answer);
    if (said(first) === said(answer)) return this.#again(first);
    const replacing = {
      ...answer,
      messageId: derivedUuid(answer.planId, answer.messageId, said(answer)),
      metadata: { ...answer.metadata, replaces: answer.messageId },
    };
    const second = await this.#earlier(replacing);
    if (second === 'unknown') return { ...replacing, messageId: otherwise };
    return second === undefined ? this.#remember(replacing) : this.#again(second);
  }

  /** One that this process said may still wait for the database: handed over again it is a duplicate. */
  #again(earlier: Earlier): AgentLogMessage | undefined {
    return 'messageId' in earlier ? (earlier as AgentLogMessage) : undefined;
  }

  #remember(answer: AgentLogMessage): AgentLogMessage {
    const answers = answersOf(this.#log);
    answers.set(key(answer), answer);
    for (const oldest of answers.keys()) {
      if (answers.size <= remembered) break;
      answers.delete(oldest);
    }
    return answer;
  }

  async #earlier(answer: AgentLogMessage): Promise<Earlier | undefined | 'unknown'> {
    const own = answersOf(this.#log).get(key(answer));
    if (own !== undefined) return own;
    const { planId, messageId = '' } = answer;
    let cancel = () => {};
    const late = new Promise<'unknown'>((resolve) => {
      cancel = this.#clock.schedule(this.#maxWaitMs, () => resolve('unknown'));
    });
    try {
      const found = await Promise.race([this.#log.find?.(planId, messageId), late]);
      return found === undefined || found === 'unknown' ? found : { content: found.content, metadata: found.metadata };
    } catch {
      return 'unknown';
    } finally {
      cancel();
    }
  }
}

type Earlier = Pick<AgentLogMessage, 'content' | 'metadata'>;

/** All that an answer says. Providers' ids and counts of tokens differ each time and say nothing. */
function said({ content, metadata }: Earlier): string {
  const { tool_calls, invalid_tool_calls, content_blocks } = (metadata ?? {}) as Record<string, unknown>;
  return JSON.stringify([content, tool_calls ?? null, invalid_tool_calls ?? null, content_blocks ?? null]);
}

function key({ planId, messageId }: AgentLogMessage): string {
  return `${messageId} ${planId}`;
}

const answersOfLogs = new WeakMap<AgentLog, Map<string, AgentLogMessage>>();

function answersOf(log: AgentLog): Map<string, AgentLogMessage> {
  const answers = answersOfLogs.get(log) ?? new Map<string, AgentLogMessage>();
  answersOfLogs.set(log, answers);
  return answers;
}
