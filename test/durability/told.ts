import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import type { SaveResult } from '../../src/persistence/saveResult.ts';
import { History, type HistoryOptions, type Submission, type SubmittedMessage } from '../../src/testing/index.ts';

/** What a process that saves writes down: each message before it hands it over, then what it was told of it. */
export type ToldLine =
  | { readonly submit: SubmittedMessage; readonly producer: string }
  | {
      readonly settled: string;
      readonly status: SaveResult['status'];
      readonly sequence?: number;
      readonly error?: ToldError;
    };

interface ToldError {
  readonly code: string;
  readonly retries: number;
}

/** A file of such lines that somebody else writes to, read on and on. */
export class ToldFile {
  readonly path: string;
  readonly #lines: ToldLine[] = [];
  #bytes = 0;
  #rest = Buffer.alloc(0);

  constructor(path: string) {
    this.path = path;
  }

  /** The lines that were written whole until now. Later calls do not change what was answered. */
  read(): readonly ToldLine[] {
    this.#rest = Buffer.concat([this.#rest, this.#more()]);
    const end = this.#rest.lastIndexOf(0x0a) + 1;
    const whole = this.#rest.toString('utf8', 0, end);
    this.#rest = this.#rest.subarray(end);
    for (const line of whole.split('\n')) if (line !== '') this.#lines.push(JSON.parse(line));
    return this.#lines.slice();
  }

  #more(): Buffer {
    if (!existsSync(this.path)) return Buffer.alloc(0);
    const file = openSync(this.path, 'r');
    try {
      const more = Buffer.alloc(fstatSync(file).size - this.#bytes);
      const read = readSync(file, more, 0, more.length, this.#bytes);
      this.#bytes += read;
      return more.subarray(0, read);
    } finally {
      closeSync(file);
    }
  }
}

export interface Told {
  /** All lines, in the order written. Of what the database holds each message must be among them. */
  readonly lines: readonly ToldLine[];
  /** Of so many lines the settlements count: those that were there before the database was looked at, or lost its power. */
  readonly known: number;
}

export function historyOf(told: readonly Told[], options?: HistoryOptions): History {
  const history = new History(options);
  for (const { lines, known } of told) {
    const submissions = new Map<string, Submission>();
    lines.forEach((line, index) => {
      if ('submit' in line) submissions.set(line.submit.messageId, history.submit(line.producer, line.submit));
      else if (index < known) settle(submissions.get(line.settled), line);
    });
  }
  return history;
}

/** As `Submission.settle` does with the whole result. */
function settle(submission: Submission | undefined, line: Extract<ToldLine, { settled: string }>): void {
  const message = { sequence: line.sequence };
  submission?.settle({ status: line.status, message, ...line.error, error: line.error } as unknown as SaveResult);
}

/** How many of the lines say that a message is stored, or spooled. */
export function acknowledgedIn(lines: readonly ToldLine[]): number {
  return lines.filter((line) => 'settled' in line && isDurable(line.status)).length;
}

export function isDurable(status: SaveResult['status']): boolean {
  return status === 'stored' || status === 'spooled';
}
