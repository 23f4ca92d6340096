import { type Level, type Logger, pino, stdTimeFunctions } from 'pino';
import { errorMembers } from '../observe/eventLog.ts';
import { IndelibleError } from '../protocol/errors.ts';
import { asJson } from './failure.ts';
import type { Output } from './output.ts';
import { onOneLine, type Paint, safeJson } from './terminalText.ts';

/**
 * The log of a command, on stderr: one event is one line, whatever agents or clients put into it. On a terminal for
 * people, elsewhere as JSON.
 */
export function openLogger(output: Output, level: Level): Logger {
  const forPeople = output.noteTerminal !== undefined;
  const destination = {
    write(line: string): void {
      output.note(forPeople ? readable(line, output.paintNote) : safeJson(line.trimEnd()));
    },
  };
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {
        error: (error: unknown) => {
          if (IndelibleError.is(error)) return asJson(error);
          return error instanceof Error ? errorMembers(error) : error;
        },
      },
    },
    destination,
  );
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
  const { message, stack } = value as { message?: unknown; stack?: unknown };
  if (typeof message !== 'string') return JSON.stringify(value);
  const place = typeof stack === 'string' ? /^ {4}at .*$/m.exec(stack)?.[0].trim() : undefined;
  return place === undefined ? message : `${message} (${place})`;
}
