import type { StoredMessage } from '../protocol/message.ts';
import { v3MessageRow } from '../protocol/v3Frames.ts';

/** Text is handed on in pieces of about this size, in characters. */
const pieceSize = 64 * 1024;

/**
 * The body of `GET /plan`, piece by piece: `head`, the rows, `tail()`. The rows are the stored bytes; nothing is parsed
 * and no more than a page of the log is in memory, however long the plan is.
 *
 * `first` was read before, so that a database that is away is a 503 and never an empty list.
 */
export async function* planMessages(
  head: string,
  first: IteratorResult<StoredMessage, void>,
  rest: AsyncIterator<StoredMessage, void>,
  tail: () => string | Promise<string>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let piece = head;
  let separator = '';
  try {
    for (let next = first; !next.done; next = await rest.next()) {
      piece += separator + v3MessageRow(next.value);
      separator = ',';
      if (piece.length < pieceSize) continue;
      yield Buffer.from(piece);
      piece = '';
    }
    yield Buffer.from(piece + (await tail()));
  } finally {
    await rest.return?.();
  }
}

/**
 * The same as a body. A database that fails in the middle cuts the connection: `cut` must make sure that the client
 * cannot take what it has for the whole.
 */
export function streamedBody(pieces: AsyncGenerator<Uint8Array>, cut: (error: unknown) => void): ReadableStream {
  return ReadableStream.from(untilFailure(pieces, cut));
}

async function* untilFailure(pieces: AsyncGenerator<Uint8Array>, cut: (error: unknown) => void) {
  try {
    yield* pieces;
  } catch (error) {
    cut(error);
  }
}
