import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { TASKS } from '@langchain/langgraph-checkpoint';

/** Names one checkpoint. */
export interface CheckpointKey {
  readonly threadId: string;
  readonly namespace: string;
  readonly checkpointId: string;
}

/** A value as LangGraph's serializer gives and takes it. */
export interface Serialized {
  readonly type: string;
  readonly bytes: Uint8Array;
}

export interface CheckpointRow {
  readonly key: CheckpointKey;
  readonly parentId: string | undefined;
  /** LangGraph's version of the form of checkpoints. */
  readonly format: number;
  readonly channelVersions: ChannelVersionsOf;
  readonly checkpoint: Serialized;
  readonly metadata: Serialized;
}

type ChannelVersionsOf = Readonly<Record<string, number | string>>;

/** What a task has written. `place` tells the writes of one task apart; below zero are those that may be replaced. */
export interface WriteRow {
  readonly taskPath: string;
  readonly taskId: string;
  readonly place: number;
  readonly channel: string;
  readonly value: Serialized;
}

/** One checkpoint with all that lies beside it. */
export interface WholeCheckpoint extends CheckpointRow {
  readonly values: readonly (readonly [channel: string, value: Serialized])[];
  readonly writes: readonly Pick<WriteRow, 'taskId' | 'channel' | 'value'>[];
  /** What the tasks of the parent sent; undefined where there is none, or where a channel holds it (from format 4 on). */
  readonly sentByParent: readonly Serialized[] | undefined;
}

/** Which checkpoints are wanted; what is undefined is not asked for. */
export interface Wanted {
  readonly threadId?: string | undefined;
  readonly namespace?: string | undefined;
  readonly checkpointId?: string | undefined;
  /** Ids below this one. */
  readonly before?: string | undefined;
  /** What comes behind this one, newest first. */
  readonly behind?: CheckpointKey | undefined;
}

type Columns = Readonly<Record<string, string | number | Uint8Array | null>>;

const sendsInChannelFrom = 4;
const here = 'thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?';
const head = `SELECT thread_id, checkpoint_ns, checkpoint_id, parent_id, format, channel_versions,
  type, checkpoint, metadata_type, metadata FROM checkpoints`;
/** The order in which LangGraph applies the writes of a step; texts compare by code point. */
const inOrder = 'ORDER BY task_path, task_id, place';

/**
 * The rows of checkpoints in a log's database. Each call is a part of a transaction that the caller opened; nothing here
 * waits, so what one reads belongs together.
 */
export class CheckpointRows {
  readonly #db: DatabaseSync;
  readonly #putCheckpoint: StatementSync;
  readonly #putValue: StatementSync;
  readonly #putWrite: StatementSync;
  readonly #replaceWrite: StatementSync;
  readonly #one: StatementSync;
  readonly #newest: StatementSync;
  readonly #value: StatementSync;
  readonly #writes: StatementSync;
  readonly #sent: StatementSync;
  readonly #deletes: readonly StatementSync[];

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#putCheckpoint = db.prepare(
      `INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_id, format, channel_versions,
         type, checkpoint, metadata_type, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET format = excluded.format, channel_versions = excluded.channel_versions,
         type = excluded.type, checkpoint = excluded.checkpoint,
         metadata_type = excluded.metadata_type, metadata = excluded.metadata`,
    );
    this.#putValue = db.prepare(
      `INSERT INTO checkpoint_values (thread_id, checkpoint_ns, channel, version, type, value)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
    const putWrite = `INSERT INTO checkpoint_writes (thread_id, checkpoint_ns, checkpoint_id, task_path, task_id, place,
      channel, type, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO`;
    this.#putWrite = db.prepare(`${putWrite} NOTHING`);
    this.#replaceWrite = db.prepare(
      `${putWrite} UPDATE SET task_path = excluded.task_path, channel = excluded.channel, type = excluded.type,
         value = excluded.value`,
    );
    this.#one = db.prepare(`${head} WHERE ${here}`);
    this.#newest = db.prepare(`${head} WHERE thread_id = ? AND checkpoint_ns = ? ORDER BY checkpoint_id DESC LIMIT 1`);
    this.#value = db.prepare(
      `SELECT type, value FROM checkpoint_values
       WHERE thread_id = ? AND checkpoint_ns = ? AND channel = ? AND version = ?`,
    );
    this.#writes = db.prepare(`SELECT task_id, channel, type, value FROM checkpoint_writes WHERE ${here} ${inOrder}`);
    this.#sent = db.prepare(`SELECT type, value FROM checkpoint_writes WHERE ${here} AND channel = ? ${inOrder}`);
    this.#deletes = ['checkpoints', 'checkpoint_values', 'checkpoint_writes'].map((table) =>
      db.prepare(`DELETE FROM ${table} WHERE thread_id = ?`),
    );
  }

  /** Stores a checkpoint, anew if it is there, and the values that are new in it. */
  put(row: CheckpointRow, values: WholeCheckpoint['values']): void {
    const { threadId, namespace, checkpointId } = row.key;
    for (const [channel, { type, bytes }] of values) {
      this.#putValue.run(threadId, namespace, channel, versionText(row.channelVersions, channel), type, bytes);
    }
    this.#putCheckpoint.run(
      threadId,
      namespace,
      checkpointId,
      row.parentId ?? null,
      row.format,
      JSON.stringify(row.channelVersions),
      row.checkpoint.type,
      row.checkpoint.bytes,
      row.metadata.type,
      row.metadata.bytes,
    );
  }

  /** Stores writes. One that is there stays as it is, unless its place is below zero. */
  putWrites({ threadId, namespace, checkpointId }: CheckpointKey, writes: readonly WriteRow[]): void {
    for (const { taskPath, taskId, place, channel, value } of writes) {
      const statement = place < 0 ? this.#replaceWrite : this.#putWrite;
      const { type, bytes } = value;
      statement.run(threadId, namespace, checkpointId, taskPath, taskId, place, channel, type, bytes);
    }
  }

  /** The checkpoint of that id, or the newest of the thread and namespace. */
  find(threadId: string, namespace: string, checkpointId: string | undefined): WholeCheckpoint | undefined {
    const found =
      checkpointId === undefined
        ? this.#newest.get(threadId, namespace)
        : this.#one.get(threadId, namespace, checkpointId);
    return found === undefined ? undefined : this.#whole(toRow(found as Columns));
  }

  /** The newest ones that are wanted, at most `limit`. */
  list({ threadId, namespace, checkpointId, before, behind }: Wanted, limit: number): CheckpointRow[] {
    const conditions: [text: string, ...values: (string | undefined)[]][] = [
      ['thread_id = ?', threadId],
      ['checkpoint_ns = ?', namespace],
      ['checkpoint_id = ?', checkpointId],
      ['checkpoint_id < ?', before],
      [
        '(checkpoint_id, thread_id, checkpoint_ns) < (?, ?, ?)',
        behind?.checkpointId,
        behind?.threadId,
        behind?.namespace,
      ],
    ];
    const asked = conditions.filter(([, value]) => value !== undefined);
    const where = asked.length === 0 ? '' : `WHERE ${asked.map(([text]) => text).join(' AND ')}`;
    const newestFirst = 'ORDER BY checkpoint_id DESC, thread_id DESC, checkpoint_ns DESC LIMIT ?';
    const values = asked.flatMap(([, ...given]) => given as string[]);
    return this.#db
      .prepare(`${head} ${where} ${newestFirst}`)
      .all(...values, limit)
      .map((row) => toRow(row as Columns));
  }

  deleteThread(threadId: string): void {
    for (const statement of this.#deletes) statement.run(threadId);
  }

  #whole(row: CheckpointRow): WholeCheckpoint {
    const { threadId, namespace, checkpointId } = row.key;
    const values = Object.keys(row.channelVersions).flatMap((channel): [string, Serialized][] => {
      const found = this.#value.get(threadId, namespace, channel, versionText(row.channelVersions, channel));
      return found === undefined ? [] : [[channel, toSerialized(found as Columns)]];
    });
    const writes = this.#writes.all(threadId, namespace, checkpointId).map((found) => {
      const columns = found as Columns;
      return {
        taskId: String(columns['task_id']),
        channel: String(columns['channel']),
        value: toSerialized(columns),
      };
    });
    return { ...row, values, writes, sentByParent: this.#sentByParent(row) };
  }

  #sentByParent({ key, format, parentId }: CheckpointRow): readonly Serialized[] | undefined {
    if (format >= sendsInChannelFrom || parentId === undefined) return undefined;
    const found = this.#sent.all(key.threadId, key.namespace, parentId, TASKS);
    return found.map((columns) => toSerialized(columns as Columns));
  }
}

/** A number and a text that reads like it are two versions. */
function versionText(versions: ChannelVersionsOf, channel: string): string {
  return JSON.stringify(versions[channel]);
}

function toRow(columns: Columns): CheckpointRow {
  const { thread_id, checkpoint_ns, checkpoint_id, parent_id, format, channel_versions } = columns;
  return {
    key: { threadId: String(thread_id), namespace: String(checkpoint_ns), checkpointId: String(checkpoint_id) },
    parentId: parent_id === null ? undefined : String(parent_id),
    format: Number(format),
    channelVersions: JSON.parse(String(channel_versions)),
    checkpoint: { type: String(columns['type']), bytes: columns['checkpoint'] as Uint8Array },
    metadata: { type: String(columns['metadata_type']), bytes: columns['metadata'] as Uint8Array },
  };
}

function toSerialized({ type, value }: Columns): Serialized {
  return { type: String(type), bytes: value as Uint8Array };
}
