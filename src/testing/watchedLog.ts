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
  readonly sequence: number;
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
  #stayed = false;

  constructor(name: string, planId: string, after: number | undefined) {
    this.name = name;
    this.planId = planId;
    this.#after = after;
  }

  saw(message: SeenMessage): void {
    this.#seen.push(message);
  }

  sawRow(row: WireRow): void {
    this.saw(readRow(row));
  }

  /** The watcher was there until the end: it must have seen all that is in the database. */
  stayedToTheEnd(): void {
    this.#stayed = true;
  }

  /** How far this watcher got; its cursor when it connects again. */
  get sequence(): number {
    return this.#seen.at(-1)?.sequence ?? this.#after ?? 0;
  }

  get count(): number {
    return this.#seen.length;
  }

  /** One sentence for each way in which this is no gapless run of the plan's messages from the cursor. */
  violations(rows: readonly SeenMessage[]): string[] {
    const found: string[] = [];
    const stored = new Map(rows.map((row) => [row.sequence, row]));
    let last = this.#after ?? (this.#seen[0]?.sequence ?? 1) - 1;
    for (const message of this.#seen) {
      const { sequence, messageId } = message;
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
    if (this.#stayed && last < head) found.push(`watcher ${this.name} stayed, but saw only up to ${last} of ${head}`);
    return found;
  }
}

/** A row of GET or of a frame, as code spells it. */
export function readRow(row: WireRow): SeenMessage & { readonly planId: string } {
  return {
    planId: row.plan_id,
    messageId: row.message_id,
    sequence: row.sequence,
    agentName: row.agent_name,
    agentType: row.agent_type,
    type: row.type,
    content: row.content,
    metadata: row.metadata,
    timestamp: row.timestamp,
  };
}
