import { errorTable, type IndelibleError } from '../protocol/errors.ts';

/** The error with advice that fits this one case better than that of the table. */
export function withRemedy(error: IndelibleError, remedy: string): IndelibleError {
  return Object.assign(error, { remedy });
}

/**
 * What the reader of a failed command can do, in words that fit what is printed with it: of a cause only where one is
 * shown, and of the help of the command that was given. Empty where nothing is left to say.
 */
export function remedyOf(error: IndelibleError, hasCause: boolean, command: string | undefined): string {
  const { code, field, remedy } = error;
  const isOwn = remedy !== errorTable[code].remedy;
  // Variables stand in the help of the whole.
  const isVariable = field !== undefined && /^[A-Z_]+$/.test(field);
  if (code === 'invalid_config' && !isOwn && command !== undefined && !isVariable) {
    return `\`indelible ${command} --help\` lists its options and their forms.`;
  }
  return hasCause ? remedy : withoutCause(remedy);
}

/** Whether the remedy speaks of the cause: then it must be shown. */
export function remedyNamesCause({ remedy }: IndelibleError): boolean {
  return remedy.includes('`cause`');
}

function withoutCause(remedy: string): string {
  const clauses = remedy.split(/(?<=[.;]) /).filter((clause) => !clause.includes('`cause`'));
  return clauses.join(' ').replace(/;$/, '.');
}
