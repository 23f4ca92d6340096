import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const preload = fileURLToPath(new URL('./preload.ts', import.meta.url));
/** As a supervisor does: what does not come up is tried again. */
const betweenTriesMs = 500;
/** Longer than some outages and a slow machine: what does not come up within this never will. */
const patienceMs = 300_000;

export interface KeptProcessOptions {
  readonly name: string;
  /** For `node`: the program and its arguments. */
  readonly args: readonly string[];
  /** What it writes. */
  readonly logFile: string;
  /** Resolves when it does its work; not at all if it does not come up. */
  readonly ready: (child: ChildProcess) => Promise<unknown>;
}

/** A process that is started again, as often as it takes, when it was killed or does not come up. */
export class KeptProcess {
  readonly name: string;
  /** Times at which it ended although nobody had told it to. */
  readonly endings: string[] = [];
  starts = 0;
  readonly #options: KeptProcessOptions;
  #child: ChildProcess | undefined;

  constructor(options: KeptProcessOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Undefined while there is none. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get log(): string {
    return readFileSync(this.#options.logFile, 'utf8');
  }

  /** Resolves when it does its work. */
  async start(): Promise<void> {
    for (const deadline = performance.now() + patienceMs; performance.now() < deadline; ) {
      const child = this.#spawn();
      const isReady = await Promise.race([
        this.#options.ready(child).then(() => true),
        once(child, 'exit').then(() => false),
      ]);
      if (isReady) {
        this.#child = child;
        this.starts++;
        child.once('exit', (code, signal) => void this.#ended(child, code ?? signal));
        return;
      }
      await sleep(betweenTriesMs);
    }
    throw new Error(`${this.name} does not come up:\n${this.log.slice(-2_000)}`);
  }

  /** `kill -9`; resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** In good order; answers the exit code. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** Collects its garbage and answers the bytes that its JavaScript still holds; undefined if there is no process. */
  async collectGarbage(): Promise<number | undefined> {
    const child = this.#child;
    if (child === undefined) return undefined;
    const answer = new Promise<number>((resolve) => {
      const listen = (message: unknown) => {
        const { type, usedBytes } = message as { readonly type?: string; readonly usedBytes?: number };
        if (type !== 'heap' || usedBytes === undefined) return;
        child.off('message', listen);
        resolve(usedBytes);
      };
      child.on('message', listen);
    });
    child.kill('SIGUSR2');
    return await answer;
  }

  /** Where it listens to that. */
  tell(message: 'pause' | 'resume'): void {
    if (this.#child?.connected) this.#child.send(message, () => {});
  }

  #spawn(): ChildProcess {
    const { args, logFile } = this.#options;
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, ['--expose-gc', '--import', preload, ...args], {
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    return child;
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return null;
    const gone = once(child, 'exit');
    child.kill(signal);
    return (await gone)[0] as number | null;
  }

  async #ended(child: ChildProcess, how: number | string | null): Promise<void> {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.endings.push(`${this.name} ended by itself with ${how}`);
    await this.start();
  }
}
