import type { IndelibleError } from '../../protocol/errors.ts';
import type { Clock } from '../../resilience/clock.ts';
import type { Output } from '../output.ts';
import { messages, plans as ofPlans } from '../planText.ts';
import { onOneLine } from '../terminalText.ts';
import type { Outage } from './patience.ts';

const barColumns = 24;
const terminalMs = 100;
const plainMs = 2_000;

export interface Totals {
  readonly plans: number;
  readonly messages: number;
}

/**
 * Tells how far a replay is, on stderr: on a terminal a bar that is drawn over itself, elsewhere a line every
 * {@link plainMs}. Outages are said where they happen.
 */
export class Progress implements Outage {
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #total: Totals;
  readonly #quiet: boolean;
  #messages = 0;
  #plans = 0;
  #drawn = false;
  #endNext: (() => void) | undefined;

  /** `quiet`: says nothing, for a script that reads stderr too. */
  constructor(output: Output, clock: Clock, total: Totals, quiet: boolean) {
    this.#output = output;
    this.#clock = clock;
    this.#total = total;
    this.#quiet = quiet;
    if (!quiet) this.#next();
  }

  readonly message = (): void => {
    this.#messages++;
  };

  readonly plan = (): void => {
    this.#plans++;
  };

  away(error: IndelibleError): void {
    this.#say(`${onOneLine(error.message)}; trying again for a minute …`);
  }

  back(): void {
    this.#say('It is back; going on.');
  }

  /** Nothing more is said, and the bar is gone. */
  end(): void {
    this.#endNext?.();
    this.#clear();
  }

  #next(): void {
    const { noteTerminal } = this.#output;
    this.#endNext = this.#clock.schedule(noteTerminal === undefined ? plainMs : terminalMs, () => {
      if (noteTerminal === undefined) this.#output.note(this.#facts());
      else this.#draw(noteTerminal);
      this.#next();
    });
  }

  #say(text: string): void {
    if (this.#quiet) return;
    this.#clear();
    this.#output.note(text);
  }

  #facts(): string {
    const { plans, messages: all } = this.#total;
    const done = this.#messages.toLocaleString('en');
    return `${done} of ${messages(all)} · ${this.#plans} of ${ofPlans(plans)}`;
  }

  #draw(terminal: NodeJS.WriteStream): void {
    const share = this.#total.messages === 0 ? 1 : this.#messages / this.#total.messages;
    const full = Math.min(barColumns, Math.floor(share * barColumns));
    const bar =
      this.#output.paintNote('green', '█'.repeat(full)) + this.#output.paintNote('dim', '░'.repeat(barColumns - full));
    terminal.write(`\r${bar} ${this.#facts()}\x1b[K`);
    this.#drawn = true;
  }

  #clear(): void {
    if (this.#drawn) this.#output.noteTerminal?.write('\r\x1b[K');
    this.#drawn = false;
  }
}
