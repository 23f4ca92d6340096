import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { MeasureAnswer, MeasureQuestion } from './contender.ts';

/** What a library may need beside the measurement itself, to make its tables for instance. */
const patienceMs = 120_000;
const keptOutput = 2_000;

/**
 * A contender's process as seen from the bench. Whatever becomes of it is an answer: a package that is not there or
 * cannot run here, a crash, silence. What it writes is kept apart: stdout is for results.
 */
export class ContenderProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<MeasureAnswer>;
  #output = '';

  /** @param adapter the URL of a module that exports an `adapter` */
  constructor(adapter: string) {
    const file = fileURLToPath(new URL('./contender.ts', import.meta.url));
    this.#child = fork(file, [adapter], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (text: Buffer) => {
        this.#output = (this.#output + text).slice(-keptOutput);
      });
    }
    this.#ended = once(this.#child, 'exit').then(([code, signal]) => ({
      failure: `its process ended with ${signal ?? code}`,
    }));
  }

  /** The last of what it wrote. */
  get output(): string {
    return this.#output;
  }

  /** One measurement at a time. */
  async measure(question: MeasureQuestion): Promise<MeasureAnswer> {
    if (!this.#child.connected) return this.#ended;
    const answered = once(this.#child, 'message').then(([answer]) => answer as MeasureAnswer);
    this.#child.send(question);
    const patience = Promise.withResolvers<MeasureAnswer>();
    const timer = setTimeout(
      () => {
        this.#child.kill('SIGKILL');
        patience.resolve({ failure: 'it did not answer in time' });
      },
      patienceMs + question.seconds * 10_000,
    );
    try {
      return await Promise.race([answered, this.#ended, patience.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#ended;
  }
}
