import { randomUUID } from 'node:crypto';
import type { AgentInputItem, Session } from '@openai/agents';
import { parseMessageBytes } from '../protocol/messageBytes.ts';
import { type LogPosition, logStart, type MessageLog } from '../store/messageLog.ts';
import { readAll } from '../store/readAll.ts';
import type { AgentLog, AgentLogMessage } from './agentLog.ts';
import { saveInOrder } from './boundedSave.ts';
import { jsonSafe } from './jsonSafe.ts';
import { itemSpoken } from './openaiAgentsItems.ts';

export interface IndelibleSessionOptions {
  /** An `Indelible`. */
  readonly log: AgentLog & { readonly store: { readonly log: Pick<MessageLog, 'read'> } };
  readonly sessionId: string;
  /** Where the session's items are kept. Default `session-<sessionId>`: not the plan that a run's messages go to. */
  readonly planId?: string | undefined;
  /** How long saves may keep a run waiting, in ms, before it goes on without their answer. Default 5,000. */
  readonly maxWaitMs?: number | undefined;
}

/**
 * A session of OpenAI Agents whose memory is in the log. The log only grows: that items were taken back or cleared is a
 * message too, and all who read later honour it, in this process or another.
 *
 * Guaranteed: what `addItems` was given is in the memory of this session object at once, and in the log when it resolves
 * (stored, failed, or not answered within `maxWaitMs`); what a database that is away has not taken yet is not forgotten
 * here, and reaches the log in its order. It never rejects. Reading does, where the database is away: an agent with half
 * of its memory would answer wrongly.
 *
 * Of two sessions that take back the last item at the same time, both get it, and it is gone once.
 */
export class IndelibleSession implements Session {
  readonly #options: IndelibleSessionOptions;
  readonly #planId: string;
  /** As far as the log was read. */
  #position: LogPosition = logStart;
  #stored = new Map<string, AgentInputItem>();
  /** What this session did that was not seen in the log yet, in order. */
  readonly #unseen: SessionEvent[] = [];
  #reading: Promise<unknown> = Promise.resolve();

  constructor(options: IndelibleSessionOptions) {
    this.#options = options;
    this.#planId = options.planId ?? `session-${options.sessionId}`;
  }

  async getSessionId(): Promise<string> {
    return this.#options.sessionId;
  }

  async getItems(limit?: number): Promise<AgentInputItem[]> {
    const items = [...(await this.#items()).values()];
    const wanted = limit === undefined ? items : items.slice(Math.max(0, items.length - Math.max(0, limit)));
    return structuredClone(wanted);
  }

  async addItems(items: AgentInputItem[]): Promise<void> {
    await this.#append(
      items.map((item) => ({ messageId: randomUUID(), done: { add: jsonSafe(item) as AgentInputItem } })),
    );
  }

  async popItem(): Promise<AgentInputItem | undefined> {
    const last = [...(await this.#items())].at(-1);
    if (last === undefined) return undefined;
    await this.#append([{ messageId: randomUUID(), done: { pop: last[0] } }]);
    return structuredClone(last[1]);
  }

  async clearSession(): Promise<void> {
    await this.#append([{ messageId: randomUUID(), done: { clear: true } }]);
  }

  #append(events: readonly SessionEvent[]): Promise<void> {
    this.#unseen.push(...events);
    const messages = events.map((event) => messageOf(this.#planId, event));
    return saveInOrder(this.#options.log, messages, this.#options.maxWaitMs);
  }

  /** By the id of the message that added each. Reads what is new in the log, one read at a time. */
  async #items(): Promise<Map<string, AgentInputItem>> {
    const read = this.#reading.then(() => this.#readOn());
    this.#reading = read.catch(() => {});
    await read;
    const items = new Map(this.#stored);
    for (const event of this.#unseen) apply(items, event);
    return items;
  }

  async #readOn(): Promise<void> {
    for await (const { sequence, messageId, body } of readAll(
      this.#options.log.store.log,
      this.#planId,
      this.#position,
    )) {
      this.#position = { ...this.#position, sequence };
      const done = parseMessageBytes(body).metadata['session'] as SessionEvent['done'] | undefined;
      if (done !== undefined) apply(this.#stored, { messageId, done });
      const own = this.#unseen.findIndex((event) => event.messageId === messageId);
      if (own >= 0) this.#unseen.splice(own, 1);
    }
  }
}

interface SessionEvent {
  readonly messageId: string;
  readonly done:
    | { readonly add: AgentInputItem }
    /** The id of the message that added what is taken back. */
    | { readonly pop: string }
    | { readonly clear: true };
}

function apply(items: Map<string, AgentInputItem>, { messageId, done }: SessionEvent): void {
  if ('add' in done) items.set(messageId, done.add);
  else if ('pop' in done) items.delete(done.pop);
  else items.clear();
}

function messageOf(planId: string, { messageId, done }: SessionEvent): AgentLogMessage {
  const message = { planId, messageId, metadata: { session: done } };
  if ('pop' in done)
    return { ...message, agentName: 'session', agentType: 'session', content: 'The last item was taken back.' };
  if ('clear' in done)
    return { ...message, agentName: 'session', agentType: 'session', content: 'The session was cleared.' };
  const role = 'role' in done.add ? done.add.role : undefined;
  const speaker =
    role === 'assistant' ? 'agent' : (role ?? (done.add.type === 'function_call_result' ? 'tool' : 'agent'));
  return { ...message, agentName: speaker, agentType: speaker, content: itemSpoken(done.add).content };
}
