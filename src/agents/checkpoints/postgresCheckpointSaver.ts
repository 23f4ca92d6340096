import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import type { Pool } from 'pg';
import { Connections, defaultTimeouts } from '../../store/postgres/connection.ts';
import { nextChannelVersion } from './channelVersion.ts';
import { SaverPool } from './saverPool.ts';
import { checkpointSchema, prepareSaverTables } from './saverTables.ts';

const poolSize = 10;

/**
 * LangGraph's own saver for PostgreSQL, on connections like the log's. What `put` and `putWrites` answered is committed.
 * Changed in two places only: its connections ({@link SaverPool}), and the versions it gives to channels: with its own,
 * whole numbers, a branch of a thread reads the state of another one ({@link nextChannelVersion}).
 */
export class PostgresCheckpointSaver extends PostgresSaver {
  readonly #connections: Connections;
  readonly #random: () => number;
  #closing: Promise<void> | undefined;

  private constructor(connections: Connections, random: () => number) {
    super(new SaverPool(connections.pool) as unknown as Pool, undefined, { schema: checkpointSchema });
    this.#connections = connections;
    this.#random = random;
  }

  /** @throws IndelibleError `store_unavailable`, `store_refused`, `schema_outdated` */
  static async open(url: string, mayMigrate: boolean, random: () => number = Math.random) {
    const connections = new Connections(url, poolSize, defaultTimeouts);
    try {
      await prepareSaverTables(url, connections.pool, mayMigrate);
    } catch (error) {
      await connections.end();
      throw error;
    }
    return new PostgresCheckpointSaver(connections, random);
  }

  override getNextVersion(current: number | undefined): number {
    return nextChannelVersion(current, this.#random);
  }

  override end(): Promise<void> {
    return this.close();
  }

  close(): Promise<void> {
    this.#closing ??= this.#connections.end();
    return this.#closing;
  }
}
