import { type Level, type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino';
import { IndelibleError } from '../protocol/errors.ts';
import { asJson } from './failure.ts';
import type { Output } from './output.ts';
import { onOneLine, type Paint } from './terminalText.ts';

/**
 * The log of a command, on stderr: one event is one line, whatever agents or clients put into it. On a terminal for
 * people, elsewhere as JSON.
 */
export function openLogger(output: Output, level: Level): Logger {
  const forPeople = output.noteTerminal !== undefined;
  const destination = {
    write(line: string): void {
      output.note(forPeople ? readable(line, output.paintNote) : line.trimEnd().replace(unescapedByJson, escaped));
    },
  };
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {
        error: (error: unknown) => (IndelibleError.is(error) ? asJson(error) : stdSerializers.err(error as Error)),
      },
    },
    destination,
  );
}

/** C1 controls and separators of lines, which JSON leaves as they are and terminals obey. */
const unescapedByJson = /[\u007f-\u009f\u2028\u2029]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function readable(line: string, paint: Paint): string {
  const { level, time, msg, type: _type, ...facts } = JSON.parse(line) as Record<string, unknown>;
  const shown = Object.entries(facts).map(
    ([name, value]) => `${paint('dim', `${name}=`)}${onOneLine(factText(value))}`,
  );
  const colour = level === 'error' || level === 'fatal' ? 'red' : level === 'warn' ? 'yellow' : 'cyan';
  return [String(time).slice(11, 19), paint(colour, String(level).padEnd(5)), onOneLine(String(msg)), ...shown].join(
    ' ',
  );
}

function factText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const { message } = value as { message?: unknown };
  return typeof message === 'string' ? message : JSON.stringify(value);
}
