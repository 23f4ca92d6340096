import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { MeasureAnswer, MeasureQuestion } from './contender.ts';

const keptOutput = 2_000;

/**
 * A contender's process as seen from the bench. Whatever happens to it is an answer: a package that is not there, one
 * that cannot run here, a crash. What it writes goes to stderr; stdout is for results.
 */
export class ContenderProcess {
  readonly #child: ChildProcess;
  #output = '';

  constructor(adapter: string) {
    this.#child = fork(fileURLToPath(new URL('./contender.ts', import.meta.url)), [adapter], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (text: Buffer) => {
        this.#output = (this.#output + text).slice(-keptOutput);
      });
    }
  }

  async measure(question: MeasureQuestion): Promise<MeasureAnswer> {
    if (!this.#child.connected) return { failure: 'its process is gone' };
    const answered = once(this.#child, 'message').then(([answer]): MeasureAnswer => answer as MeasureAnswer);
    const ended = once(this.#child, 'exit').then(
      ([code, signal]): MeasureAnswer => ({ failure: `its process ended with ${signal ?? code}` }),
    );
    this.#child.send(question);
    return Promise.race([answered, ended]);
  }

  /** The last of what it wrote. */
  get output(): string {
    return this.#output;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
