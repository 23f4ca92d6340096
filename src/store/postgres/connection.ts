import {
  DatabaseError,
  Pool,
  type PoolClient,
  type PoolConfig,
  type QueryResult,
  type QueryResultRow,
  types,
} from 'pg';
import { IndelibleError } from '../../protocol/errors.ts';
import { systemClock } from '../../resilience/clock.ts';
import { Sockets } from './sockets.ts';

/** Timeouts in ms. Without them `pg` waits for ever on a network that swallows packets. */
export interface PostgresTimeouts {
  /** For a connection, or for a place in the pool. */
  readonly connectMs: number;
  /** For the answer to one statement. Past it the connection is thrown away; what the statement did is unknown. */
  readonly queryMs: number;
  /** After which an unused connection is closed. */
  readonly idleMs: number;
}

export const defaultTimeouts: PostgresTimeouts = { connectMs: 2_000, queryMs: 5_000, idleMs: 30_000 };

const int8 = 20;
const json = 114;

/** Sequences come as numbers, JSON as the text it is: a body is never parsed on its way to a reader. */
const parsers: PoolConfig['types'] = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === int8) return Number;
    if (oid === json) return (text: string) => text;
    return types.getTypeParser(oid, format as 'text');
  },
} as PoolConfig['types'];

/** How to connect, for the pool and for connections beside it. */
export function connectionConfig(url: string, timeouts: PostgresTimeouts, sockets: Sockets) {
  return {
    connectionString: url,
    stream: sockets.make,
    connectionTimeoutMillis: timeouts.connectMs,
    query_timeout: timeouts.queryMs,
    // The server gives up a little earlier, so that a slow statement does not go on unseen.
    statement_timeout: Math.max(1, timeouts.queryMs - 500),
    idle_in_transaction_session_timeout: timeouts.queryMs * 2,
    keepAlive: true,
    application_name: 'indelible',
    types: parsers,
  };
}

/** Connections that are kept for the next call. */
export class Connections {
  readonly pool: Pool;
  readonly #sockets = new Sockets();
  readonly #queryMs: number;

  constructor(url: string, size: number, timeouts: PostgresTimeouts) {
    this.#queryMs = timeouts.queryMs;
    const config = connectionConfig(url, timeouts, this.#sockets);
    this.pool = new Pool({ ...config, max: size, idleTimeoutMillis: timeouts.idleMs });
    // A connection that breaks while it is idle has no caller to tell. Without a listener it would end the process. The
    // pool listens to idle ones only, and one may be thrown out by the very packet that lets it in.
    this.pool.on('error', () => {});
    this.pool.on('connect', (client) => client.on('error', () => {}));
  }

  /** Waits for calls that are under way, as long as one may take, and says goodbye to the server. */
  async end(): Promise<void> {
    let cancel = () => {};
    const late = new Promise<void>((resolve) => {
      cancel = systemClock.schedule(this.#queryMs, resolve);
    });
    await Promise.race([this.pool.end().catch(() => {}), late]);
    cancel();
    await this.#sockets.gone();
  }
}

/**
 * Classes of SQLSTATE that speak of the server, the way to it or the state it is in, not of what was sent: somebody
 * mends that, and what was sent can be sent again. Also where it takes people to do so: messages wait for rights that
 * are not granted yet, or for tables that are just being restored, rather than being lost.
 */
const outageClasses = new Set([
  '08', // connection exception
  '0A', // not supported: a statement was prepared for tables that have changed since
  '25', // transaction state: read-only (a standby, a failover); idle for too long
  '26', // the prepared statement is gone: something between here and the server mixes up connections
  '28', // not let in: credentials being changed, a role locked
  '3D', // the database does not exist: it is being restored
  '3F', // nor does the schema
  '40', // serialisation failure, deadlock
  '42', // a table, column, constraint or right that is not there
  '53', // no resources, disk full, too many connections
  '55', // not in the state for it: locked, in recovery, not taking connections
  '57', // an operator intervened: timeout, shutdown, crash, starting up
  '58', // system and I/O errors
  'F0', // a configuration that cannot be read
]);

const outageStates = new Set([
  '54000', // NOTIFY's queue is full: some listener is stuck
  'XX000', // caches and files that change under a statement while tables are being replaced
]);

/** After these a connection is as good as before. */
const soundAfter = new Set([
  '40001', // serialisation failure
  '40P01', // deadlock
  '55P03', // lock not available
  '57014', // statement timeout
]);

export const uniqueViolation = '23505';

export function sqlState(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined;
}

/** What did not come from the server (refused, reset, timed out) is an outage too. */
function isOutage(error: unknown): boolean {
  const state = sqlState(error);
  return state === undefined || outageClasses.has(state.slice(0, 2)) || outageStates.has(state);
}

/** An error with a code of ours. What is no outage is a final no: it is about what was sent. */
function translate(what: string, cause: unknown): IndelibleError {
  if (IndelibleError.is(cause)) return cause;
  const text = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(cause);
  return new IndelibleError(isOutage(cause) ? 'store_unavailable' : 'store_refused', {
    message: `${what}: ${text}`,
    cause,
  });
}

export async function translated<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw translate(what, error);
  }
}

/**
 * Whether a connection is of no use after this error: it timed out, broke, or leads to a server that cannot write. In
 * doubt a new one is made, which may lead to another server and has nothing prepared.
 */
export function breaksConnection(error: unknown): boolean {
  return !IndelibleError.is(error) && isOutage(error) && !soundAfter.has(sqlState(error) ?? '');
}

/**
 * Runs `action` with a connection of the pool. One that is broken is thrown away: after a timeout its statement may
 * still be at work. One on which the server said no to a statement is kept (the pool's own `query` would close it).
 */
export async function withConnection<T>(pool: Pool, action: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  try {
    return await action(client);
  } catch (error) {
    broken = breaksConnection(error);
    throw error;
  } finally {
    client.release(broken);
  }
}

export interface Statement {
  /** Prepared once per connection under this name, if it has one. */
  readonly name?: string;
  readonly text: string;
}

/** Runs one statement, which is a transaction by itself. */
export function query<R extends QueryResultRow>(
  pool: Pool,
  statement: Statement,
  values: unknown[] = [],
): Promise<QueryResult<R>> {
  return withConnection(pool, (client) => client.query<R>({ ...statement, values }));
}

/** Runs `action` in a transaction of its own. */
export function inTransaction<T>(pool: Pool, action: (client: PoolClient) => Promise<T>): Promise<T> {
  return withConnection(pool, async (client) => {
    await client.query('BEGIN');
    try {
      const result = await action(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      if (!breaksConnection(error)) await client.query('ROLLBACK');
      throw error;
    }
  });
}
