import { existsSync, readFileSync } from 'node:fs';
import type { SaveResult } from '../../src/persistence/saveResult.ts';
import { History, type HistoryOptions, type Submission, type SubmittedMessage } from '../../src/testing/index.ts';

/** What a process that saves writes down: each message before it hands it over, then what it was told of it. */
export type ToldLine =
  | { readonly submit: SubmittedMessage; readonly producer: string }
  | { readonly settled: string; readonly status: ToldStatus; readonly sequence?: number; readonly error?: ToldError };

/** `spooled`: durable on this machine, and in the database when there is one. */
type ToldStatus = SaveResult['status'] | 'spooled';

interface ToldError {
  readonly code: string;
  readonly retries: number;
}

/** The lines that were written whole until now. */
export function readTold(path: string): ToldLine[] {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as ToldLine);
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
  if (line.status === 'spooled') return submission?.acknowledged();
  const message = { sequence: line.sequence };
  submission?.settle({ status: line.status, message, ...line.error, error: line.error } as unknown as SaveResult);
}

/** How many of the lines say that a message is stored. */
export function acknowledgedIn(lines: readonly ToldLine[]): number {
  return lines.filter((line) => 'settled' in line && line.status === 'stored').length;
}
