import { existsSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { History, ReadMessage } from '../../src/testing/history.ts';
import type { Submission } from '../../src/testing/submission.ts';
import type { WireRow } from '../../src/testing/watchedLog.ts';
import { type Lane, messageOf } from './lane.ts';

/**
 * What a producer submitted and what it was told, in a file of its own. A line is with the kernel before the call
 * returns, so the file tells the truth also after `kill -9` of whoever wrote it: a save whose acknowledgement is not in
 * it was never acknowledged to anybody.
 */
export class Journal {
  /** The highest number that was submitted before this was opened. */
  readonly last: number;
  /** Submitted and not acknowledged before this was opened, in order. */
  readonly unsettled: readonly number[];
  readonly #file: number;

  /** `server` is where the lane writes to: its order is promised for each server it uses. */
  constructor(folder: string, lane: Lane, server: string) {
    const path = pathOf(folder, lane.planId, `${lane.name}@${server}.producer`);
    const steps = existsSync(path) ? stepsIn(readFileSync(path, 'utf8')) : [];
    const unsettled = new Set<number>();
    this.last = steps.reduce((last, { number }) => Math.max(last, number), 0);
    for (const { kind, number } of steps) {
      if (kind === 's') unsettled.add(number);
      else unsettled.delete(number);
    }
    this.unsettled = [...unsettled].sort((one, other) => one - other);
    this.#file = openSync(path, 'a');
    if (steps.length === 0) writeSync(this.#file, `${JSON.stringify(lane)}\n`);
  }

  /** Before the message is handed over. */
  submitted(number: number): void {
    writeSync(this.#file, `s ${number}\n`);
  }

  acknowledged(number: number, sequence?: number): void {
    writeSync(this.#file, `a ${number} ${sequence ?? ''}\n`);
  }
}

interface Step {
  readonly kind: 's' | 'a';
  readonly number: number;
  readonly sequence: number | undefined;
}

function stepsIn(text: string): Step[] {
  // What follows the last line end was being written when the process died.
  return text
    .split('\n')
    .slice(1, -1)
    .map((line) => {
      const [kind, number, sequence] = line.split(' ');
      return { kind: kind as 's' | 'a', number: Number(number), sequence: sequence ? Number(sequence) : undefined };
    });
}

/** Tells the history what the producer did. */
export function replayProducer(text: string, name: string, seed: number, history: History): void {
  const lane: Lane = JSON.parse(text.slice(0, text.indexOf('\n')));
  const latest = new Map<number, Submission>();
  for (const { kind, number, sequence } of stepsIn(text)) {
    if (kind === 's') latest.set(number, history.submit(name, messageOf(lane, number, seed)));
    else latest.get(number)?.acknowledged(sequence);
  }
}

/** What one watcher saw, connection by connection. */
export class WatcherJournal {
  readonly #file: number;

  constructor(folder: string, planId: string, name: string) {
    this.#file = openSync(pathOf(folder, planId, `${name}.watcher`), 'a');
  }

  /** Another connection: a log of its own, from the beginning or from wherever its server begins. */
  connected(fromTheBeginning: boolean): void {
    this.#write({ connected: fromTheBeginning });
  }

  saw(row: WireRow): void {
    this.#write({ row });
  }

  /**
   * Shown before it is in the database: it has no place yet, but is on the server's disk and must come to one. It is not
   * shown again to the same connection.
   */
  sawSpooled(row: SpooledRow): void {
    this.#write({ spooled: row });
  }

  /** It must have seen all there is. */
  stayed(): void {
    this.#write({ stayed: true });
  }

  #write(step: WatcherStep): void {
    writeSync(this.#file, `${JSON.stringify(step)}\n`);
  }
}

type SpooledRow = Omit<WireRow, 'sequence'>;

interface WatcherStep {
  readonly connected?: boolean;
  readonly row?: WireRow;
  readonly spooled?: SpooledRow;
  readonly stayed?: true;
}

/**
 * Tells the history what the watcher saw. What a connection was shown as spooled counts as seen at the place that it has
 * in the database. Answers how often it was connected, and what it was shown.
 */
export function replayWatcher(text: string, rows: readonly ReadMessage[], planId: string, history: History) {
  let connections = 0;
  let seen = 0;
  const spooled: string[] = [];
  let watched = history.watch('watcher.none', planId, 0);
  let early = new Map<string, SpooledRow>();
  const sawEarlyUpTo = (sequence: number) => {
    while (watched.sequence + 1 < sequence) {
      const next = watched.sequence + 1;
      const row = early.get(rows[next - 1]?.messageId ?? '');
      if (row === undefined) return;
      watched.sawRow({ ...row, sequence: next });
    }
  };
  for (const line of text.split('\n').slice(0, -1)) {
    const { connected, row, spooled: spooledRow, stayed } = JSON.parse(line) as WatcherStep;
    if (connected !== undefined) {
      watched = history.watch(`watcher.${++connections}`, planId, connected ? 0 : undefined);
      early = new Map();
    }
    if (spooledRow !== undefined) {
      early.set(spooledRow.message_id, spooledRow);
      spooled.push(spooledRow.message_id);
    }
    if (row?.sequence !== undefined) {
      if (watched.count > 0 || connections === 1) sawEarlyUpTo(row.sequence);
      watched.sawRow(row);
      seen++;
    }
    if (stayed) {
      sawEarlyUpTo(rows.length + 1);
      watched.stayedToTheEnd();
    }
  }
  return { connections, seen, spooled };
}

function pathOf(folder: string, planId: string, name: string): string {
  mkdirSync(join(folder, planId), { recursive: true });
  return join(folder, planId, name);
}
