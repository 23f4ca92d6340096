import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/** A process of a test, by what it says line by line. Killed when the test is over, if it still runs. */
export class TalkingProcess {
  readonly lines: string[] = [];
  readonly #process: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #waiting: (() => void)[] = [];
  #over = false;

  constructor(file: URL, args: readonly string[]) {
    this.#process = spawn(process.execPath, [file.pathname, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: this.#process.stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => {
      this.lines.push(line);
      this.#tell();
    });
    this.#closed = Promise.all([once(this.#process, 'close'), once(lines, 'close')]).then(() => {
      this.#over = true;
      this.#tell();
    });
    onTestFinished(() => this.kill());
  }

  linesWith(beginning: string): string[] {
    return this.lines.filter((line) => line.startsWith(beginning));
  }

  /** Once it has said as many lines that begin so, or ended: what follows in each. */
  async says(beginning: string, count = 1): Promise<string[]> {
    while (this.linesWith(beginning).length < count && !this.#over) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.linesWith(beginning).map((line) => line.slice(beginning.length));
  }

  /** `kill -9`. All that it had said is in `lines` afterwards. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#closed;
  }

  #tell(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
