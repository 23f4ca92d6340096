import { IndelibleError } from '../../protocol/errors.ts';

/** What SQLite or the file system threw, as an error of ours with the original as cause. */
export function spoolFailure(what: string, cause: unknown): unknown {
  if (IndelibleError.is(cause) || !isOfTheSystem(cause)) return cause;
  return new IndelibleError('spool_unavailable', { message: `${what}: ${cause.message}`, cause });
}

/** Another connection holds the lock; nothing was written and nothing is wrong. */
export function isBusy(error: unknown): boolean {
  return resultOf(error) === 5;
}

/** SQLite says that the file is not what it wrote: CORRUPT, NOTADB. */
export function isCorrupt(error: unknown): boolean {
  const result = resultOf(error);
  return result === 11 || result === 26;
}

/** The primary result code. https://www.sqlite.org/rescode.html */
function resultOf(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

function isOfTheSystem(error: unknown): error is Error {
  return error instanceof Error && (resultOf(error) !== undefined || 'syscall' in error);
}
