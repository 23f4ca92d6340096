import { type Paint, paintFor, safeJson } from './terminalText.ts';

/**
 * Where a command writes. Data and answers go to stdout, so that a pipe gets them and nothing else; notes, progress and
 * errors go to stderr.
 *
 * A reader that goes away (`| head`) is no error: from then on nothing is written, and `readerGone` tells whoever only
 * reads that it may end. What works for others (a run, a server) goes on.
 */
export class Output {
  readonly paint: Paint;
  readonly paintNote: Paint;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  readonly #gone = new AbortController();

  constructor(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.paint = paintFor(stdout);
    this.paintNote = paintFor(stderr);
    stdout.on('error', () => this.#gone.abort());
    // Where notes cannot be written, there is nobody to tell.
    stderr.on('error', () => {});
  }

  /** Aborted when the reader of stdout is gone. */
  get readerGone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Columns of the terminal; undefined where stdout is none, and nothing should be cut. */
  get width(): number | undefined {
    return this.#stdout.isTTY ? this.#stdout.columns || 80 : undefined;
  }

  /** The terminal that notes go to, if they go to one. */
  get noteTerminal(): NodeJS.WriteStream | undefined {
    return this.#stderr.isTTY ? this.#stderr : undefined;
  }

  line(text = ''): void {
    if (!this.#gone.signal.aborted) this.#stdout.write(`${text}\n`);
  }

  /** One line of JSON: `json` is the text of a value. */
  json(json: string): void {
    this.line(safeJson(json));
  }

  note(text = ''): void {
    this.#stderr.write(`${text}\n`);
  }

  /** Resolves when all that was written is on its way out of the process. */
  async flushed(): Promise<void> {
    await Promise.all([this.#stdout, this.#stderr].map((stream) => written(stream)));
  }
}

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.errored) resolve();
    else stream.write('', () => resolve());
  });
}
