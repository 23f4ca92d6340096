import type { StoredMessage } from '../../../src/protocol/message.ts';
import { encodeMessageBytes } from '../../../src/protocol/messageBytes.ts';
import {
  type CommitListener,
  type LogPage,
  type LogPosition,
  logStart,
  type MessageLog,
} from '../../../src/store/messageLog.ts';

export const planId = 'plan';

interface History {
  readonly epoch: string;
  readonly messages: StoredMessage[];
  revision: number;
  trimmed: number;
}

/**
 * The log of one plan, in memory, that does at a word what takes a database years: is trimmed, put back from a backup,
 * replaced by another one. Reads take as many turns as the test says, so that anything may come in between.
 */
export class ChangingLog implements Pick<MessageLog, 'epoch' | 'read' | 'heads' | 'onCommit'> {
  /** All there ever were, the present one last. */
  readonly histories: History[] = [{ epoch: 'epoch 0', messages: [], revision: 0, trimmed: 0 }];
  readonly #listeners = new Set<CommitListener>();
  readonly #turns: () => number;
  #made = 0;
  #toldEpoch = 'epoch 0';

  constructor(turns: () => number) {
    this.#turns = turns;
  }

  get epoch(): string {
    return this.#toldEpoch;
  }

  get now(): History {
    return this.histories.at(-1) as History;
  }

  /** `isTold`: its hint is not lost. */
  append(count: number, isTold: boolean): void {
    const { messages } = this.now;
    const added = Array.from({ length: count }, (_, index) => {
      const messageId = `m${++this.#made}`;
      return { ...encoded(messageId, 'first'), sequence: messages.length + index + 1, version: 1, revision: 0 };
    });
    messages.push(...added);
    if (isTold) this.#tell(added, []);
  }

  /** `which`: from 0 up to 1. One that was trimmed is not there to be updated. */
  update(which: number, isTold: boolean): void {
    const history = this.now;
    const { messages, trimmed } = history;
    const index = trimmed + Math.floor(which * (messages.length - trimmed));
    const message = messages[index];
    if (message === undefined) return;
    history.revision++;
    const version = message.version + 1;
    const updated = {
      ...encoded(message.messageId, `version ${version} of ${history.epoch}, ${++this.#made}`),
      sequence: message.sequence,
      version,
      revision: history.revision,
    };
    messages[index] = updated;
    if (isTold) this.#tell([], [updated]);
  }

  trim(share: number): void {
    const history = this.now;
    history.trimmed = Math.max(history.trimmed, Math.floor(share * history.messages.length));
  }

  /** Another database: what there was up to this share of it, as it was put back from a backup. */
  replace(share: number): void {
    const { messages, revision } = this.now;
    const kept = messages.slice(0, Math.floor(share * messages.length));
    const back = kept.map((message) =>
      message.version > 1 && message.sequence % 2 === 0
        ? { ...message, ...encoded(message.messageId, 'first'), version: 1 }
        : message,
    );
    this.histories.push({ epoch: `epoch ${this.histories.length}`, messages: back, revision, trimmed: 0 });
  }

  async read(_planId: string, after: LogPosition, limit: number): Promise<LogPage> {
    await this.#pass();
    const { messages, revision, trimmed } = this.now;
    const from = Math.max(after.sequence, trimmed);
    const page = messages.slice(from, from + limit);
    const updates = messages
      .filter((message) => message.revision > after.revision && message.sequence > trimmed)
      .sort((one, other) => one.revision - other.revision)
      .slice(0, limit);
    const more = page.length === limit || updates.length === limit;
    const seen = updates.length === limit ? (updates.at(-1)?.revision ?? 0) : Math.max(after.revision, revision);
    const answer = {
      messages: page,
      updates,
      position: { sequence: from + page.length, revision: seen },
      trimmed,
      more,
    };
    await this.#pass();
    return answer;
  }

  async heads(planIds: readonly string[]): Promise<ReadonlyMap<string, LogPosition>> {
    await this.#pass();
    const { epoch, messages, revision } = this.now;
    this.#toldEpoch = epoch;
    const head = messages.length === 0 ? logStart : { sequence: messages.length, revision };
    return new Map(planIds.map((id) => [id, head]));
  }

  onCommit(listener: CommitListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(messages: readonly StoredMessage[], updates: readonly StoredMessage[]): void {
    const head = { sequence: this.now.messages.length, revision: this.now.revision };
    for (const listener of [...this.#listeners]) listener([{ planId, head, messages, updates }]);
  }

  async #pass(): Promise<void> {
    for (let turn = this.#turns(); turn > 0; turn--) await Promise.resolve();
  }
}

function encoded(messageId: string, content: string) {
  const body = encodeMessageBytes({
    planId,
    messageId,
    timestamp: '2026-11-25T12:00:00.000Z',
    agentName: 'Scribe',
    agentType: 'agent',
    type: 'agent_message',
    content,
    metadata: '{}',
  });
  return { planId, messageId, body };
}
