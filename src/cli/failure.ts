import { CommanderError } from 'commander';
import { type ErrorCode, IndelibleError } from '../protocol/errors.ts';
import type { Output } from './output.ts';
import { onOneLine } from './terminalText.ts';

/** What the shell is told: 0, it went well; 1, it failed; 2, the call itself was wrong. */
export type ExitCode = 0 | 1 | 2;

const usageErrors: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['invalid_config', 'insecure_listen']);

/** Tells of a failure on stderr, in words or as one line of JSON, and answers the exit code. Never throws. */
export function tellFailure(thrown: unknown, output: Output, json: boolean): ExitCode {
  // Help and version are no failures; help that nobody asked for stands where a command should have been.
  if (thrown instanceof CommanderError && isHelp(thrown)) return thrown.exitCode === 0 ? 0 : 2;
  const error = fromCommander(thrown);
  if (json) output.note(JSON.stringify({ error: asJson(error) }));
  else if (IndelibleError.is(error)) tellInWords(error, output);
  else output.note(`unexpected error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return IndelibleError.is(error) && usageErrors.has(error.code) ? 2 : 1;
}

/** The error as a script reads it: on stderr with `--json`, and in the summary of a replay. */
export function asJson(error: unknown): Record<string, unknown> {
  if (!IndelibleError.is(error)) return { message: error instanceof Error ? error.message : String(error) };
  const { code, message, field, remedy } = error;
  const cause = causeText(error);
  return {
    code,
    message,
    ...(field === undefined ? {} : { field }),
    ...(cause === undefined ? {} : { cause }),
    remedy,
  };
}

function tellInWords(error: IndelibleError, output: Output): void {
  const label = (text: string) => output.paintNote('dim', text);
  output.note(`${output.paintNote(['red', 'bold'], 'error:')} ${onOneLine(error.message)}`);
  const cause = causeText(error);
  if (cause !== undefined) output.note(`${label('cause:')} ${onOneLine(cause)}`);
  output.note(`${label('remedy:')} ${onOneLine(error.remedy)}`);
  output.note(`${label('code:')} ${error.code}`);
}

/** What the cause says, unless the error says it already. */
function causeText({ cause, message }: IndelibleError): string | undefined {
  if (cause === undefined) return undefined;
  const text = cause instanceof Error ? cause.message : String(cause);
  return text === '' || message.includes(text) ? undefined : text;
}

function isHelp({ code }: CommanderError): boolean {
  return ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(code);
}

/** Commander's own errors in our words. */
function fromCommander(thrown: unknown): unknown {
  if (!(thrown instanceof CommanderError)) return thrown;
  const message = thrown.message.replace(/^error: /, '').replace(/\s*\n/g, ' ');
  return new IndelibleError('invalid_config', { message });
}
