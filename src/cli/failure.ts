import { CommanderError } from 'commander';
import { type ErrorCode, IndelibleError } from '../protocol/errors.ts';
import type { Output } from './output.ts';
import { remedyNamesCause, remedyOf } from './remedy.ts';
import { onOneLine, safeJson } from './terminalText.ts';

/** What the shell is told: 0, it went well; 1, it failed; 2, the call itself was wrong. */
export type ExitCode = 0 | 1 | 2;

const usageErrors: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['invalid_config', 'insecure_listen']);

export interface FailedCall {
  /** In JSON, for a script. */
  readonly json: boolean;
  /** The name of the command that was given, if it is one. */
  readonly command: string | undefined;
}

/** Tells of a failure on stderr, in words or as one line of JSON, and answers the exit code. Never throws. */
export function tellFailure(thrown: unknown, output: Output, { json, command }: FailedCall): ExitCode {
  // Help and version are no failures; help that nobody asked for stands where a command should have been.
  if (thrown instanceof CommanderError && isHelp(thrown)) return thrown.exitCode === 0 ? 0 : 2;
  const error = fromCommander(thrown);
  if (json) output.note(safeJson(JSON.stringify({ error: asJson(error, command) })));
  else if (IndelibleError.is(error)) tellInWords(error, output, command);
  else output.note(`unexpected error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return IndelibleError.is(error) && usageErrors.has(error.code) ? 2 : 1;
}

/** The error as a script reads it: on stderr with `--json`, and in the summary of a replay. */
export function asJson(error: unknown, command?: string): Record<string, unknown> {
  if (!IndelibleError.is(error)) return { message: error instanceof Error ? error.message : String(error) };
  const { code, message, field } = error;
  const cause = causeText(error);
  const remedy = remedyOf(error, cause !== undefined, command);
  return {
    code,
    message,
    ...(field === undefined ? {} : { field }),
    ...(cause === undefined ? {} : { cause }),
    ...(remedy === '' ? {} : { remedy }),
  };
}

function tellInWords(error: IndelibleError, output: Output, command: string | undefined): void {
  const label = (text: string) => output.paintNote('dim', text);
  output.note(`${output.paintNote(['red', 'bold'], 'error:')} ${onOneLine(error.message)}`);
  const cause = causeText(error);
  if (cause !== undefined) output.note(`${label('cause:')} ${onOneLine(cause)}`);
  const remedy = remedyOf(error, cause !== undefined, command);
  if (remedy !== '') output.note(`${label('remedy:')} ${onOneLine(remedy)}`);
  output.note(`${label('code:')} ${error.code}`);
}

/** What the cause says, unless the error says it already and nothing refers to it. */
function causeText(error: IndelibleError): string | undefined {
  const { cause, message } = error;
  if (cause === undefined) return undefined;
  const text = cause instanceof Error ? cause.message : String(cause);
  const isSaid = message.includes(text) && !remedyNamesCause(error);
  return text === '' || isSaid ? undefined : text;
}

function isHelp({ code }: CommanderError): boolean {
  return ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(code);
}

/** Commander's own errors in our words. */
function fromCommander(thrown: unknown): unknown {
  if (!(thrown instanceof CommanderError)) return thrown;
  const message = thrown.message.replace(/^error: /, '').replace(/\s*\n/g, ' ');
  const isSplit = thrown.code === 'commander.excessArguments';
  return new IndelibleError('invalid_config', {
    message: isSplit ? `${message.replace(/\.$/, '')} (a text of several words stands in quotes)` : message,
  });
}
