import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { isStopped } from '../../src/testing/postgres/serverProcesses.ts';
import { acknowledgedIn, ToldFile, type ToldLine } from './told.ts';
import type { WriterOptions } from './writer.ts';

const program = fileURLToPath(new URL('writer.ts', import.meta.url));
const patienceMs = 60_000;

export interface WriterProcessOptions extends WriterOptions {
  /** For `node`. */
  readonly nodeOptions?: readonly string[];
  /** What runs it, with its arguments: it must become the process itself, as `strace -D` does. */
  readonly runBy?: readonly string[];
}

/** `writer.ts` in a process of its own. Killed when the test is over. */
export class WriterProcess {
  readonly told: ToldFile;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #said = '';

  constructor({ nodeOptions = [], runBy = [], ...options }: WriterProcessOptions) {
    this.told = new ToldFile(options.told);
    const [command, ...args] = [...runBy, process.execPath, ...nodeOptions, program, JSON.stringify(options)];
    this.#child = spawn(command as string, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr?.on('data', (piece: Buffer) => {
      this.#said = (this.#said + piece.toString()).slice(-4_000);
    });
    this.#exited = once(this.#child, 'exit');
    onTestFinished(() => this.kill());
  }

  get lines(): readonly ToldLine[] {
    return this.told.read();
  }

  get isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves when so many more messages are acknowledged, by this process or whoever else writes to its file. */
  async goesOn(count: number): Promise<void> {
    const enough = acknowledgedIn(this.lines) + count;
    await this.until(`${count} more messages are stored`, (lines) => acknowledgedIn(lines) >= enough);
  }

  /** Rejects if the process ends before it is so, unless that is as well (`orOver`). */
  async until(
    what: string,
    condition: (lines: readonly ToldLine[]) => boolean,
    { orOver = false }: { readonly orOver?: boolean } = {},
  ): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (!condition(this.lines)) {
      if (this.isOver && orOver) return;
      const late = performance.now() > deadline;
      if (this.isOver || late) throw new Error(`${late ? 'never' : 'it ended before'}: ${what}\n${this.#said}`);
      await sleep(10);
    }
  }

  /** It does nothing more, not even in a call to the kernel, until {@link resume}. */
  async pause(): Promise<void> {
    this.#child.kill('SIGSTOP');
    while (!isStopped(this.#child.pid as number)) await sleep(1);
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** `kill -9`, whatever state it is in. */
  async kill(): Promise<void> {
    if (this.isOver) return;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** In good order: what it accepted is decided. Answers the exit code; null: a signal ended it. */
  async stop(): Promise<number | null> {
    if (!this.isOver) {
      this.#child.kill('SIGTERM');
      await this.#exited;
    }
    return this.#child.exitCode;
  }

  /** The end of what it wrote to stderr. */
  get said(): string {
    return this.#said;
  }
}
