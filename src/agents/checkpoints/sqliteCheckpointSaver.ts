import type { DatabaseSync } from 'node:sqlite';
import type { RunnableConfig } from '@langchain/core/runnables';
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  copyCheckpoint,
  maxChannelVersion,
  type PendingWrite,
  type SerializerProtocol,
  TASKS,
  WRITES_IDX_MAP,
} from '@langchain/langgraph-checkpoint';
import { IndelibleError } from '../../protocol/errors.ts';
import { type Clock, systemClock } from '../../resilience/clock.ts';
import { inTransaction, openDatabase, translateErrors } from '../../store/sqlite/database.ts';
import { DatabaseFile } from '../../store/sqlite/databaseFile.ts';
import { nextChannelVersion } from './channelVersion.ts';
import {
  type CheckpointKey,
  type CheckpointRow,
  CheckpointRows,
  type Serialized,
  type Wanted,
  type WholeCheckpoint,
} from './checkpointRows.ts';
import { migrateCheckpoints } from './checkpointTables.ts';
import { holds } from './metadataFilter.ts';
import { untilFree } from './untilFree.ts';

const pageSize = 50;

export interface SqliteCheckpointOptions {
  readonly serde?: SerializerProtocol;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/**
 * LangGraph's checkpoints in the file of a log, on a connection of their own.
 *
 * Guaranteed to a graph:
 * - What `put` and `putWrites` answered is on disk: it survives `kill -9` and, with `synchronous=FULL`, a power cut. Each
 *   is one transaction, so a checkpoint is there with its values or not at all.
 * - `put` and `putWrites` may be repeated. Writes of a task stay as they were first written, but for errors, interrupts
 *   and resumes, which the newest replaces: LangGraph's contract.
 * - Branches of a thread are apart: see {@link nextChannelVersion}.
 * - Several processes may use one thread's checkpoints; each reads whole ones.
 *
 * Errors come as IndelibleError: `store_unavailable` after 10 s in which others held the write lock, `store_refused`,
 * `service_closed`, `invalid_id`. LangGraph lets them end the run: a run whose checkpoint is not stored must not go on as
 * if it were.
 */
export class SqliteCheckpointSaver extends BaseCheckpointSaver {
  readonly #db: DatabaseSync;
  readonly #file: DatabaseFile;
  readonly #rows: CheckpointRows;
  readonly #clock: Clock;
  readonly #random: () => number;

  /**
   * @param path as `openSqliteStore` takes it. `:memory:` is a database of its own, gone when it is closed
   * @throws IndelibleError `store_unavailable`, `store_refused`, `schema_too_new`
   */
  constructor(path: string, options: SqliteCheckpointOptions = {}) {
    super(options.serde);
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#db = openDatabase(path);
    try {
      migrateCheckpoints(this.#db);
      this.#file = new DatabaseFile(this.#db, path);
      this.#rows = new CheckpointRows(this.#db);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  override getNextVersion(current: number | undefined): number {
    return nextChannelVersion(current, this.#random);
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const { thread_id, checkpoint_ns, checkpoint_id } = config.configurable ?? {};
    if (thread_id === undefined) return undefined;
    const threadId = threadIdOf(thread_id);
    const found = await this.#read(() => this.#rows.find(threadId, checkpoint_ns ?? '', checkpoint_id || undefined));
    return found === undefined ? undefined : this.#tuple(found);
  }

  override async *list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    for await (const { key, metadata } of this.#newestFirst(config, options.before)) {
      if (left <= 0) return;
      if (options.filter !== undefined && !holds(await this.#load(metadata), options.filter)) continue;
      const { threadId, namespace, checkpointId } = key;
      const found = await this.#read(() => this.#rows.find(threadId, namespace, checkpointId));
      if (found === undefined) continue; // its thread was deleted meanwhile
      left--;
      yield await this.#tuple(found);
    }
  }

  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const { thread_id, checkpoint_ns, checkpoint_id } = config.configurable ?? {};
    const key = { threadId: threadIdOf(thread_id), namespace: checkpoint_ns ?? '', checkpointId: checkpoint.id };
    const { channel_values, ...rest } = copyCheckpoint(checkpoint);
    const changed = Object.keys(newVersions).filter((channel) => Object.hasOwn(channel_values, channel));
    const row: CheckpointRow = {
      key,
      parentId: checkpoint_id || undefined,
      format: checkpoint.v,
      channelVersions: { ...checkpoint.channel_versions, ...newVersions },
      checkpoint: await this.#dump(rest),
      metadata: await this.#dump(metadata),
    };
    const values = await Promise.all(
      changed.map(async (channel) => [channel, await this.#dump(channel_values[channel])] as const),
    );
    await this.#write('cannot store a checkpoint', () => this.#rows.put(row, values));
    return configOf(key);
  }

  override async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
    taskPath = '',
  ): Promise<void> {
    const { thread_id, checkpoint_ns, checkpoint_id } = config.configurable ?? {};
    const threadId = threadIdOf(thread_id);
    if (!checkpoint_id) throw missing('checkpoint_id');
    const rows = await Promise.all(
      writes.map(async ([channel, value], index) => {
        const place = WRITES_IDX_MAP[channel] ?? index;
        return { taskPath, taskId, place, channel, value: await this.#dump(value) };
      }),
    );
    const key = { threadId, namespace: checkpoint_ns ?? '', checkpointId: checkpoint_id };
    await this.#write('cannot store the writes of a task', () => this.#rows.putWrites(key, rows));
  }

  override async deleteThread(threadId: string): Promise<void> {
    await this.#write('cannot delete a thread', () => this.#rows.deleteThread(threadIdOf(threadId)));
  }

  /** Closes the connection; what was answered is stored. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
  }

  async *#newestFirst(config: RunnableConfig, before?: RunnableConfig): AsyncGenerator<CheckpointRow> {
    const { thread_id, checkpoint_ns, checkpoint_id } = config.configurable ?? {};
    const wanted: Wanted = {
      threadId: thread_id === undefined ? undefined : threadIdOf(thread_id),
      namespace: checkpoint_ns ?? undefined,
      checkpointId: checkpoint_id || undefined,
      before: before?.configurable?.['checkpoint_id'],
    };
    for (let behind: CheckpointKey | undefined; ; ) {
      const page = await this.#read(() => this.#rows.list({ ...wanted, behind }, pageSize));
      yield* page;
      if (page.length < pageSize) return;
      behind = page.at(-1)?.key;
    }
  }

  async #tuple(found: WholeCheckpoint): Promise<CheckpointTuple> {
    const { key, parentId } = found;
    const values = found.values.map(async ([channel, value]) => [channel, await this.#load(value)] as const);
    const checkpoint: Checkpoint = {
      ...(await this.#load<Omit<Checkpoint, 'channel_values'>>(found.checkpoint)),
      channel_values: Object.fromEntries(await Promise.all(values)),
    };
    if (found.sentByParent !== undefined) await this.#takeOverSends(checkpoint, found.sentByParent);
    const writes = found.writes.map(
      async ({ taskId, channel, value }): Promise<[string, string, unknown]> => [
        taskId,
        channel,
        await this.#load(value),
      ],
    );
    return {
      config: configOf(key),
      checkpoint,
      metadata: await this.#load(found.metadata),
      ...(parentId === undefined ? {} : { parentConfig: configOf({ ...key, checkpointId: parentId }) }),
      pendingWrites: await Promise.all(writes),
    };
  }

  /** In checkpoints of older forms what tasks send stands beside the parent; newer ones have a channel for it. */
  async #takeOverSends(checkpoint: Checkpoint, sent: readonly Serialized[]): Promise<void> {
    checkpoint.channel_values[TASKS] = await Promise.all(sent.map((value) => this.#load(value)));
    const versions = Object.values(checkpoint.channel_versions);
    checkpoint.channel_versions[TASKS] =
      versions.length > 0 ? maxChannelVersion(...versions) : this.getNextVersion(undefined);
  }

  async #dump(value: unknown): Promise<Serialized> {
    const [type, bytes] = await this.serde.dumpsTyped(value);
    return { type, bytes };
  }

  #load<T>({ type, bytes }: Serialized): Promise<T> {
    return this.serde.loadsTyped(type, bytes);
  }

  #write(what: string, action: () => void): Promise<void> {
    return untilFree(this.#clock, () => {
      this.#file.check();
      inTransaction(this.#db, what, action);
    });
  }

  /** All that `action` reads is of one moment. */
  #read<T>(action: () => T): Promise<T> {
    return untilFree(this.#clock, () => {
      this.#file.check();
      return translateErrors('cannot read checkpoints', () => {
        this.#db.exec('BEGIN');
        try {
          return action();
        } finally {
          if (this.#db.isTransaction) this.#db.exec('COMMIT');
        }
      });
    });
  }
}

function configOf({ threadId, namespace, checkpointId }: CheckpointKey): RunnableConfig {
  return { configurable: { thread_id: threadId, checkpoint_ns: namespace, checkpoint_id: checkpointId } };
}

/** SQLite's text would take two threads for one if their ids held halves of surrogate pairs. */
function threadIdOf(given: unknown): string {
  if (given === undefined || given === null || given === '') throw missing('thread_id');
  const threadId = String(given);
  if (threadId.isWellFormed()) return threadId;
  throw new IndelibleError('invalid_id', { message: 'thread_id holds half a surrogate pair', field: 'thread_id' });
}

function missing(field: string): IndelibleError {
  const message = `config.configurable.${field} is missing: a checkpoint belongs to a thread, give the run a thread_id`;
  return new IndelibleError('invalid_id', { message, field });
}
