import { randomBytes } from 'node:crypto';
import { Client, escapeIdentifier } from 'pg';
import { within } from './within.ts';

const patienceMs = 30_000;

/** The process that serves one client. */
export interface Backend {
  readonly pid: number;
  readonly database: string;
  readonly applicationName: string;
  /** `active`, `idle`, `idle in transaction`, … */
  readonly state: string;
  /** The latest statement. */
  readonly query: string;
}

export type BackendFilter = (backend: Backend) => boolean;

/** What a superuser does to a server, on a short connection of its own for each. The server must run. */
export class PostgresAdmin {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Resolves when connections are taken, or when it is no longer worth waiting for. */
  async ready(worthWaiting: () => boolean): Promise<void> {
    await within(patienceMs, 'Postgres takes connections', async () => !worthWaiting() || (await this.#answers()));
  }

  /** One that may make databases, and no more. */
  createRole(name: string): Promise<void> {
    return this.#run(`CREATE ROLE ${escapeIdentifier(name)} LOGIN CREATEDB`);
  }

  createDatabase(name: string, owner: string): Promise<void> {
    return this.#run(`CREATE DATABASE ${escapeIdentifier(name)} OWNER ${escapeIdentifier(owner)}`);
  }

  dropDatabase(name: string): Promise<void> {
    return this.#run(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`);
  }

  backends(): Promise<readonly Backend[]> {
    return this.#connected(listBackends);
  }

  terminate(filter: BackendFilter): Promise<readonly Backend[]> {
    return this.#connected((client) => terminate(client, filter));
  }

  async setReadOnly(readOnly: boolean): Promise<void> {
    const wanted = readOnly ? 'on' : 'off';
    await this.#run(`ALTER SYSTEM SET default_transaction_read_only = ${wanted}`, 'SELECT pg_reload_conf()');
    await within(patienceMs, `new connections find the server ${readOnly ? 'read-only' : 'writable'}`, () =>
      this.#connected(async (client) => {
        const { rows } = await client.query('SHOW default_transaction_read_only');
        return rows[0]?.default_transaction_read_only === wanted;
      }, 'as clients'),
    );
    await this.terminate(() => true);
  }

  /**
   * CREATE DATABASE keeps new clients of the source waiting, and waits 5 s for the old ones to go: they are sent away
   * meanwhile.
   */
  async snapshot(database: string, owner: string): Promise<string> {
    const name = `snapshot_${randomBytes(6).toString('hex')}`;
    let done = false;
    const copied = this.#run(copyDatabase(name, database, owner)).finally(() => {
      done = true;
    });
    const sentAway = this.#connected(async (client) => {
      while (!done) {
        await terminate(client, (backend) => backend.database === database);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
    await Promise.all([copied, sentAway]);
    return name;
  }

  restore(database: string, snapshot: string, owner: string): Promise<void> {
    const drop = `DROP DATABASE ${escapeIdentifier(database)} WITH (FORCE)`;
    return this.#run(drop, copyDatabase(database, snapshot, owner));
  }

  async #answers(): Promise<boolean> {
    try {
      await this.#run('SELECT 1');
      return true;
    } catch {
      return false;
    }
  }

  async #run(...statements: readonly string[]): Promise<void> {
    await this.#connected(async (client) => {
      for (const statement of statements) await client.query(statement);
    });
  }

  async #connected<T>(action: (client: Client) => Promise<T>, how: 'as clients' | 'writing' = 'writing'): Promise<T> {
    const client = new Client({
      connectionString: this.#url,
      application_name: 'indelible-testing',
      connectionTimeoutMillis: patienceMs,
      query_timeout: patienceMs,
      ...(how === 'writing' ? { options: '-c default_transaction_read_only=off' } : {}),
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return await action(client);
    } finally {
      await client.end().catch(() => {});
    }
  }
}

async function listBackends(client: Client): Promise<readonly Backend[]> {
  const { rows } = await client.query<Backend>(`
    SELECT pid, coalesce(datname, '') AS database, application_name AS "applicationName",
           coalesce(state, '') AS state, coalesce(query, '') AS query
    FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND application_name <> 'indelible-testing'`);
  return rows;
}

async function terminate(client: Client, filter: BackendFilter): Promise<readonly Backend[]> {
  const backends = (await listBackends(client)).filter(filter);
  const pids = backends.map(({ pid }) => pid);
  await client.query('SELECT pg_terminate_backend(pid, 10000) FROM unnest($1::int[]) AS pid', [pids]);
  return backends;
}

function copyDatabase(name: string, source: string, owner: string): string {
  return `CREATE DATABASE ${escapeIdentifier(name)} TEMPLATE ${escapeIdentifier(source)} OWNER ${escapeIdentifier(owner)}`;
}
