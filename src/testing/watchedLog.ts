import type { AgentMessage } from '../protocol/message.ts';
import type { MessageType } from '../protocol/messageType.ts';
import { contentOf } from './messageContent.ts';

type SeenMessage = Pick<
  AgentMessage,
  'messageId' | 'sequence' | 'agentName' | 'agentType' | 'type' | 'content' | 'metadata' | 'timestamp'
>;

/** The row of a message as GET lists it and as a frame's payload carries it; other members do not matter. */
export interface WireRow {
  readonly message_id: string;
  readonly plan_id: string;
  /** Missing if the message is shown before it is stored. */
  readonly sequence?: number;
  readonly agent_name: string;
  readonly agent_type: string;
  readonly type: MessageType;
  readonly content: string;
  readonly metadata: AgentMessage['metadata'];
  readonly timestamp: string;
}

/** What one watcher of one plan saw, in the order it saw it. */
export class WatchedLog {
  readonly name: string;
  readonly planId: string;
  readonly #after: number | undefined;
  readonly #seen: SeenMessage[] = [];
  /** Messages shown before they were stored, by id: they are not shown again. */
  readonly #early = new Map<string, SeenMessage>();
  #twice: string[] = [];
  #stayed = false;

  constructor(name: string, planId: string, after: number | undefined) {
    this.name = name;
    this.planId = planId;
    this.#after = after;
  }

  saw(message: SeenMessage): void {
    if (this.#early.has(message.messageId)) this.#twice.push(message.messageId);
    this.#seen.push(message);
  }

  /** A row without a sequence is of a message that is on disk and not yet in the database. */
  sawRow(row: WireRow): void {
    if (row.sequence !== undefined) this.saw(readRow(row));
    else this.sawEarly(readRow(row));
  }

  /** The message was shown before it was stored: it counts as seen in the place it gets. */
  sawEarly(message: SeenMessage): void {
    const again = this.#early.has(message.messageId) || this.#seen.some((one) => one.messageId === message.messageId);
    if (again) this.#twice.push(message.messageId);
    this.#early.set(message.messageId, message);
  }

  /** The watcher was there until the end: it must have seen all that is in the database. */
  stayedToTheEnd(): void {
    this.#stayed = true;
  }

  /** How far this watcher got; its cursor when it connects again. */
  get sequence(): number {
    return this.#seen.at(-1)?.sequence ?? this.#after ?? 0;
  }

  /** Messages seen, each counted once. */
  get count(): number {
    return this.#seen.length + this.#early.size;
  }

  /** One sentence for each way in which this is no gapless run of the plan's messages from the cursor. */
  violations(rows: readonly SeenMessage[]): string[] {
    const found: string[] = [];
    const stored = new Map(rows.map((row) => [row.sequence, row]));
    const isEarly = (sequence: number) => this.#early.has(stored.get(sequence)?.messageId ?? '');
    for (const id of this.#twice) found.push(`watcher ${this.name} saw ${id} before it was stored, and once more`);
    found.push(...this.#earlyViolations(rows));
    let last = this.#after ?? (this.#seen[0]?.sequence ?? 1) - 1;
    for (const message of this.#seen) {
      const { sequence, messageId } = message;
      while (last + 1 < sequence && isEarly(last + 1)) last++;
      if (sequence !== last + 1) found.push(`watcher ${this.name} saw ${sequence} (${messageId}) after ${last}`);
      last = sequence;
      const row = stored.get(sequence);
      if (row === undefined) found.push(`watcher ${this.name} saw ${sequence} (${messageId}), which is not stored`);
      else if (
        row.messageId !== messageId ||
        row.timestamp !== message.timestamp ||
        contentOf(row) !== contentOf(message)
      ) {
        found.push(`watcher ${this.name} saw ${sequence} (${messageId}) other than it is stored (${row.messageId})`);
      }
    }
    const head = rows.at(-1)?.sequence ?? 0;
    while (last < head && isEarly(last + 1)) last++;
    if (this.#stayed && last < head) found.push(`watcher ${this.name} stayed, but saw only up to ${last} of ${head}`);
    return found;
  }

  #earlyViolations(rows: readonly SeenMessage[]): string[] {
    const byId = new Map(rows.map((row) => [row.messageId, row]));
    return [...this.#early.values()].flatMap((message) => {
      const row = byId.get(message.messageId);
      const said = `watcher ${this.name} saw ${message.messageId} before it was stored`;
      if (row === undefined) return [`${said}, and it never was`];
      const isSame = row.timestamp === message.timestamp && contentOf(row) === contentOf(message);
      return isSame ? [] : [`${said}, with other content`];
    });
  }
}

/** A row of GET or of a frame, as code spells it. */
export function readRow(row: WireRow): SeenMessage & { readonly planId: string } {
  return {
    planId: row.plan_id,
    messageId: row.message_id,
    sequence: row.sequence ?? 0,
    agentName: row.agent_name,
    agentType: row.agent_type,
    type: row.type,
    content: row.content,
    metadata: row.metadata,
    timestamp: row.timestamp,
  };
}
