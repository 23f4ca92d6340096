import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { PreparedMessage, StoredMessage } from '../../protocol/message.ts';
import type { RowView } from '../../protocol/rowView.ts';
import { CommitListeners, commitsOf } from '../commitListeners.ts';
import {
  type AppendOutcome,
  type CommitListener,
  type LogPage,
  type LogPosition,
  logStart,
  type MessageLog,
  maxPageSize,
  type TextPage,
  type UpdateOutcome,
} from '../messageLog.ts';
import { renderedPage } from '../renderedPage.ts';
import { isTrimmed, repeated } from '../trimmedMessage.ts';
import { inTransaction, translateErrors } from './database.ts';
import type { DatabaseFile } from './databaseFile.ts';
import { type Head, Heads } from './heads.ts';
import { JoinedRows } from './joinedRows.ts';
import { fromMessageKey, type MessageKey, toMessageKey } from './messageKey.ts';
import type { OtherProcesses } from './otherProcesses.ts';
import { Trim } from './trim.ts';

interface Row {
  readonly sequence: number;
  readonly message_id: MessageKey;
  readonly version: number;
  readonly revision: number;
  readonly body: string;
}

const columns = 'm.sequence, m.message_id, m.version, m.revision, m.body';

/**
 * The log on SQLite. A call runs to its end on this thread, so within a process calls cannot interleave; between
 * processes the write lock of `BEGIN IMMEDIATE` is what makes sequences gapless.
 */
export class SqliteLog implements MessageLog {
  readonly epoch: string;
  readonly #db: DatabaseSync;
  readonly #file: DatabaseFile;
  readonly #heads: Heads;
  readonly #others: OtherProcesses;
  readonly #listeners = new CommitListeners();
  #unwatch: (() => void) | undefined;
  readonly #insert: StatementSync;
  readonly #replace: StatementSync;
  readonly #byTimedId: StatementSync;
  readonly #byOtherId: StatementSync;
  readonly #messages: StatementSync;
  readonly #updates: StatementSync;
  readonly #head: StatementSync;
  readonly #trimmed: StatementSync;
  readonly #trim: Trim;
  readonly #joined: JoinedRows;

  constructor(db: DatabaseSync, file: DatabaseFile, others: OtherProcesses) {
    this.#db = db;
    this.#file = file;
    this.#heads = new Heads(db);
    this.#others = others;
    this.epoch = String(db.prepare(`SELECT value FROM meta WHERE key = 'epoch'`).get()?.['value']);
    this.#insert = db.prepare(
      `INSERT INTO messages (plan, sequence, message_id, version, revision, body) VALUES (?, ?, ?, 1, 0, ?)
       ON CONFLICT (message_id, plan) WHERE typeof(message_id) = 'blob' DO NOTHING
       ON CONFLICT (plan, message_id) WHERE typeof(message_id) = 'text' DO NOTHING`,
    );
    this.#replace = db.prepare(
      'UPDATE messages SET version = ?, revision = ?, body = ? WHERE plan = ? AND sequence = ?',
    );
    const from = `SELECT ${columns} FROM messages m JOIN heads h ON h.plan = m.plan WHERE h.plan_id = ?`;
    this.#byTimedId = db.prepare(`${from} AND m.message_id = ? AND typeof(m.message_id) = 'blob'`);
    this.#byOtherId = db.prepare(`${from} AND m.message_id = ? AND typeof(m.message_id) = 'text'`);
    this.#messages = db.prepare(`${from} AND m.sequence > ? ORDER BY m.sequence LIMIT ?`);
    this.#updates = db.prepare(`${from} AND m.revision > ? AND m.revision > 0 ORDER BY m.revision LIMIT ?`);
    this.#head = db.prepare('SELECT sequence, revision FROM heads WHERE plan_id = ?');
    this.#trimmed = db.prepare('SELECT trimmed FROM heads WHERE plan_id = ?');
    this.#trim = new Trim(db);
    this.#joined = new JoinedRows(db);
  }

  async append(batch: readonly PreparedMessage[]): Promise<readonly AppendOutcome[]> {
    if (batch.length === 0) return [];
    const heads = new Map<string, Head>();
    const outcomes = this.#write('cannot append', () => {
      const outcomes = batch.map((message) => {
        let head = heads.get(message.planId);
        if (head === undefined) {
          head = this.#heads.findOrCreate(message.planId);
          heads.set(message.planId, head);
        }
        return this.#insertOne(message, head);
      });
      for (const head of heads.values()) this.#heads.save(head);
      return outcomes;
    });
    this.#listeners.tell(commitsOf(outcomes, heads));
    return outcomes;
  }

  #insertOne(message: PreparedMessage, head: Head): AppendOutcome {
    const { planId, messageId, body } = message;
    const key = toMessageKey(messageId);
    if (this.#insert.run(head.plan, head.sequence + 1, key, body).changes === 1) {
      head.sequence++;
      return {
        status: 'stored',
        message: { planId, messageId, body, sequence: head.sequence, version: 1, revision: 0 },
      };
    }
    return repeated(this.#find(planId, key) as StoredMessage, message);
  }

  async update({ planId, messageId, body }: PreparedMessage, expectedVersion: number): Promise<UpdateOutcome> {
    let head: Head | undefined;
    const outcome = this.#write<UpdateOutcome>('cannot update', () => {
      const found = this.#find(planId, toMessageKey(messageId));
      head = this.#heads.find(planId);
      if (found === undefined || head === undefined || isTrimmed(found.body)) return { status: 'not_found' };
      if (found.version !== expectedVersion) return { status: 'conflict', message: found };
      head.revision++;
      const message = { ...found, body, version: found.version + 1, revision: head.revision };
      this.#replace.run(message.version, message.revision, body, head.plan, found.sequence);
      this.#heads.save(head);
      return { status: 'updated', message };
    });
    if (outcome.status === 'updated' && head !== undefined) {
      const { sequence, revision } = head;
      this.#listeners.tell([{ planId, head: { sequence, revision }, messages: [], updates: [outcome.message] }]);
    }
    return outcome;
  }

  async trim(planId: string, upTo: number): Promise<number> {
    for (;;) {
      const { trimmed, done } = this.#write('cannot trim', () => this.#trim.step(planId, upTo));
      if (done) return trimmed;
      // Others get their turn, on this thread and at the file.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async find(planId: string, messageId: string): Promise<StoredMessage | undefined> {
    return this.#read(() => {
      const found = this.#find(planId, toMessageKey(messageId));
      return found === undefined || isTrimmed(found.body) ? undefined : found;
    });
  }

  async read(planId: string, after: LogPosition, limit: number): Promise<LogPage> {
    return this.#read(() => {
      const trimmed = Number(this.#trimmed.get(planId)?.['trimmed'] ?? 0);
      const from = Math.max(after.sequence, trimmed);
      const updates = this.#page(planId, this.#updates.iterate(planId, after.revision, limit), limit);
      const messages = this.#page(planId, this.#messages.iterate(planId, from, limit), limit);
      const position = {
        sequence: messages.rows.at(-1)?.sequence ?? from,
        revision: updates.rows.at(-1)?.revision ?? after.revision,
      };
      return { messages: messages.rows, updates: updates.rows, position, more: messages.full || updates.full, trimmed };
    });
  }

  async readText(planId: string, after: number, limit: number, view: RowView): Promise<TextPage> {
    return (
      this.#read(() => this.#joined.page(planId, after, limit, view)) ?? renderedPage(this, planId, after, limit, view)
    );
  }

  async heads(planIds: readonly string[]): Promise<ReadonlyMap<string, LogPosition>> {
    return this.#read(() => {
      const entries = planIds.map((planId): [string, LogPosition] => {
        const row = this.#head.get(planId) as unknown as LogPosition | undefined;
        return [planId, row === undefined ? logStart : { sequence: row.sequence, revision: row.revision }];
      });
      return new Map(entries);
    });
  }

  onCommit(listener: CommitListener): () => void {
    const remove = this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#unwatch = this.#others.onCommit(() => this.#listeners.tell('unknown'));
    return () => {
      remove();
      if (this.#listeners.size === 0) this.#unwatch?.();
    };
  }

  #write<T>(what: string, action: () => T): T {
    try {
      this.#file.check();
      return inTransaction(this.#db, what, () => {
        this.#heads.refresh();
        return action();
      });
    } catch (error) {
      this.#heads.forget();
      throw error;
    }
  }

  #read<T>(action: () => T): T {
    this.#file.check();
    return translateErrors('cannot read', action);
  }

  #find(planId: string, key: MessageKey): StoredMessage | undefined {
    const byId = typeof key === 'string' ? this.#byOtherId : this.#byTimedId;
    return this.#rows(planId, byId.all(planId, key))[0];
  }

  #rows(planId: string, rows: readonly unknown[]): StoredMessage[] {
    return (rows as readonly Row[]).map((row) => toStored(planId, row));
  }

  /** Rows until there are enough, in number or in size. */
  #page(planId: string, rows: Iterable<unknown>, limit: number): { rows: StoredMessage[]; full: boolean } {
    const page: StoredMessage[] = [];
    let size = 0;
    for (const row of rows as Iterable<Row>) {
      page.push(toStored(planId, row));
      size += row.body.length;
      if (size >= maxPageSize) break;
    }
    return { rows: page, full: page.length === limit || size >= maxPageSize };
  }
}

function toStored(planId: string, { sequence, message_id, version, revision, body }: Row): StoredMessage {
  return { planId, messageId: fromMessageKey(message_id), sequence, version, revision, body };
}
