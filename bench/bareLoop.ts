import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { NewMessage } from '../src/protocol/message.ts';
import { newMessageId } from '../src/protocol/messageId.ts';
import { openDatabase } from '../src/store/sqlite/database.ts';
import { toMessageKey } from '../src/store/sqlite/messageKey.ts';

/**
 * The least any implementation has to do: give the message an id and a place, encode it once, insert it, count up its
 * plan's head, commit. Same file settings, tables and indexes as the product, prepared statements, one process that
 * remembers the heads. It checks nothing, answers nobody, knows no duplicates, and its loop never yields: groups are
 * handed to it whole.
 */
export class BareLoop {
  readonly #db: DatabaseSync;
  readonly #plans = new Map<string, { readonly plan: number; sequence: number }>();
  readonly #insert: StatementSync;
  readonly #head: StatementSync;

  constructor(path: string, planIds: readonly string[]) {
    this.#db = openDatabase(path);
    const create = this.#db.prepare(
      `INSERT INTO heads (plan_id, sequence, revision, created_at) VALUES (?, 0, 0, '2026-11-23T00:00:00.000Z')`,
    );
    for (const planId of planIds)
      this.#plans.set(planId, { plan: Number(create.run(planId).lastInsertRowid), sequence: 0 });
    this.#insert = this.#db.prepare(
      'INSERT INTO messages (plan, sequence, message_id, version, revision, body) VALUES (?, ?, ?, 1, 0, ?)',
    );
    this.#head = this.#db.prepare('UPDATE heads SET sequence = ? WHERE plan = ?');
  }

  commit(group: readonly NewMessage[]): void {
    this.#db.exec('BEGIN IMMEDIATE');
    const touched = new Set<{ readonly plan: number; sequence: number }>();
    for (const message of group) {
      const head = this.#plans.get(message.planId);
      if (head === undefined) throw new Error(`unknown plan ${message.planId}`);
      touched.add(head);
      const messageId = newMessageId();
      const body = JSON.stringify({
        timestamp: new Date().toISOString(),
        type: 'agent_message',
        agent_name: message.agentName,
        message_id: messageId,
        plan_id: message.planId,
        agent_type: 'agent',
        content: message.content,
        metadata: message.metadata,
      });
      this.#insert.run(head.plan, ++head.sequence, toMessageKey(messageId), body);
    }
    for (const head of touched) this.#head.run(head.sequence, head.plan);
    this.#db.exec('COMMIT');
  }

  close(): void {
    this.#db.close();
  }
}
