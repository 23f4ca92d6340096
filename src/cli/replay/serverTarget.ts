import { type ErrorCode, errorTable, IndelibleError } from '../../protocol/errors.ts';
import { Away, type Patience } from './patience.ts';
import type { Acknowledgement, ReplayTarget } from './replayTarget.ts';
import type { Transcript, TranscriptMessage } from './transcripts.ts';

/** A server that does not answer within this has lost the request, for all we know, in ms. */
const answerMs = 10_000;
/** The server, or what stands before it, is busy or away. */
/** 202: accepted, and not in the database yet. */
const mayComeLater: readonly number[] = [202, 408, 429, 502, 503, 504];

/**
 * Writes to a server, over `/api/v1`. A server that is down or was killed in the middle is tried again with the same
 * ids: a message whose answer was lost answers `duplicate`.
 */
export class ServerTarget implements ReplayTarget {
  readonly description: string;
  readonly #patience: Patience;

  /** @param url its origin, and where it stands behind a prefix, that; without a slash at the end */
  constructor(url: string, patience: Patience) {
    this.description = url;
    this.#patience = patience;
  }

  async begin({ planId, description }: Transcript): Promise<void> {
    const { status, answer } = await this.#send('PUT', planPath(planId), { description });
    // 409: it is there, with another description.
    if (status !== 200 && status !== 201 && status !== 409) throw this.#refused(status, answer);
  }

  async save(message: TranscriptMessage): Promise<Acknowledgement> {
    const { status, answer } = await this.#send('POST', `${planPath(message.planId)}/messages`, {
      message_id: message.messageId,
      agent_name: message.agentName,
      agent_type: message.agentType,
      content: message.content,
      metadata: message.metadata,
    });
    const { sequence, duplicate } = answer as Partial<Acknowledgement>;
    if (status === 200 && typeof sequence === 'number') return { sequence, duplicate: duplicate === true };
    throw this.#refused(status, answer);
  }

  async end({ planId }: Transcript): Promise<void> {
    const { status, answer } = await this.#send('PUT', planPath(planId), { status: 'completed' });
    if (status !== 200) throw this.#refused(status, answer);
  }

  async close(): Promise<void> {}

  #send(method: 'PUT' | 'POST', path: string, body: unknown): Promise<Answer> {
    const text = JSON.stringify(body);
    return this.#patience.until(async () => {
      const exchanged = await this.#exchange(method, path, text);
      if (mayComeLater.includes(exchanged.status)) throw new Away(this.#unreachable(`answers ${exchanged.status}`));
      return exchanged;
    });
  }

  async #exchange(method: string, path: string, body: string): Promise<Answer> {
    let status: number;
    let text: string;
    try {
      const headers = { 'content-type': 'application/json' };
      const signal = AbortSignal.timeout(answerMs);
      const response = await fetch(this.description + path, { method, headers, body, signal, redirect: 'error' });
      status = response.status;
      text = await response.text();
    } catch (failure) {
      // The reason (refused, reset, timed out) is the cause of fetch's error.
      const cause = failure instanceof Error && failure.cause !== undefined ? failure.cause : failure;
      throw new Away(this.#unreachable('does not answer', cause));
    }
    const answer = jsonObject(text);
    if (answer !== undefined || mayComeLater.includes(status)) return { status, answer: answer ?? {} };
    throw this.#unreachable(`answered ${status} to ${method} ${path}, and not with JSON`);
  }

  /** What the server said of a message or plan that it does not take. */
  #refused(status: number, { error, detail }: Answer['answer']): IndelibleError {
    const { code, message } = (error ?? {}) as { code?: string; message?: string };
    if (code !== undefined && Object.hasOwn(errorTable, code)) {
      return new IndelibleError(code as ErrorCode, message === undefined ? {} : { message });
    }
    return this.#unreachable(`answered ${status}: ${typeof detail === 'string' ? detail : JSON.stringify(detail)}`);
  }

  #unreachable(what: string, cause?: unknown): IndelibleError {
    return new IndelibleError('server_unreachable', { message: `${this.description} ${what}`, field: '--to', cause });
  }
}

interface Answer {
  readonly status: number;
  readonly answer: Readonly<Record<string, unknown>>;
}

function planPath(planId: string): string {
  return `/api/v1/plans/${encodeURIComponent(planId)}`;
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
