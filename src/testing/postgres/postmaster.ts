import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { type PostgresBinaries, serverEnvironment } from './postgresBinaries.ts';
import type { Account } from './serverAccount.ts';
import type { ServerFolder } from './serverFolder.ts';
import { isStopped, serverProcesses, signal } from './serverProcesses.ts';
import { within } from './within.ts';

const patienceMs = 30_000;

/** `fast` throws clients out and writes all, `immediate` leaves that to the recovery of the next start. */
const endings = { fast: 'SIGINT', immediate: 'SIGQUIT', kill: 'SIGKILL' } as const;

/**
 * The processes of one server: the postmaster, and those it makes for clients and for itself. There is at most one
 * postmaster, and none of its calls leaves a process behind that would keep the next one from starting.
 */
export class Postmaster {
  readonly #binaries: PostgresBinaries;
  readonly #account: Account | undefined;
  readonly #folder: ServerFolder;
  readonly #port: number;
  #process: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #paused: readonly number[] = [];

  constructor(binaries: PostgresBinaries, account: Account | undefined, folder: ServerFolder, port: number) {
    this.#binaries = binaries;
    this.#account = account;
    this.#folder = folder;
    this.#port = port;
  }

  get running(): boolean {
    return this.#process !== undefined;
  }

  /** Processes that outlived a killed postmaster are killed first: with them around the next one would not start. */
  async start(): Promise<void> {
    if (this.running) return;
    await this.killOrphans();
    const log = openSync(this.#folder.logFile, 'a');
    const started = spawn(this.#binaries.postgres, ['-D', this.#folder.data, '-p', String(this.#port)], {
      ...this.#account,
      cwd: this.#folder.path,
      detached: true,
      env: serverEnvironment,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    started.unref();
    this.#process = started;
    this.#exited = new Promise((resolve) => {
      const gone = () => {
        this.#process = undefined;
        resolve();
      };
      started.once('exit', gone).once('error', gone);
    });
  }

  /** Resolves when the postmaster is gone; one that does not go within 30 s is killed with all that belongs to it. */
  async end(how: keyof typeof endings): Promise<void> {
    const postmaster = this.#process;
    if (postmaster?.pid === undefined) return;
    postmaster.ref();
    if (how === 'kill') signal(postmaster.pid, 'SIGKILL');
    // Whoever is stopped hears of nothing else.
    this.resume();
    if (how !== 'kill') signal(postmaster.pid, endings[how]);
    const giveUp = setTimeout(() => this.#killAll(), patienceMs);
    await this.#exited;
    clearTimeout(giveUp);
  }

  /** Stops all processes where they are. */
  async pause(): Promise<void> {
    const postmaster = this.#process?.pid;
    if (postmaster === undefined || this.#paused.length > 0) return;
    // First the one that makes new processes, so that none is missed.
    signal(postmaster, 'SIGSTOP');
    await within(patienceMs, 'the postmaster is stopped', () => isStopped(postmaster));
    this.#paused = this.#all();
    for (const pid of this.#paused) signal(pid, 'SIGSTOP');
    await within(patienceMs, 'all processes are stopped', () => this.#paused.every(isStopped));
  }

  resume(): void {
    for (const pid of this.#paused) signal(pid, 'SIGCONT');
    this.#paused = [];
  }

  /**
   * Kills children of the postmaster, which then does away with all others and makes new ones. Resolves with those
   * that were killed when all the old ones are gone.
   */
  async killChildren(pids: readonly number[]): Promise<readonly number[]> {
    const before = this.#all().filter((pid) => pid !== this.#process?.pid);
    const killed = pids.filter((pid) => before.includes(pid) && signal(pid, 'SIGKILL'));
    const isThere = (pid: number) => before.includes(pid);
    if (killed.length > 0) await within(patienceMs, 'the old backends are gone', () => !this.#all().some(isThere));
    return killed;
  }

  /** Only where there is no postmaster. */
  async killOrphans(): Promise<void> {
    this.#killAll();
    await within(patienceMs, 'the processes of the last postmaster are gone', () => this.#all().length === 0);
  }

  #killAll(): void {
    for (const pid of this.#all()) signal(pid, 'SIGKILL');
  }

  #all(): readonly number[] {
    return serverProcesses(this.#folder.data, this.#process?.pid);
  }
}
