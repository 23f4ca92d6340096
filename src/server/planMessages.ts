export interface PlanMessages {
  readonly head: string;
  /** Read before, so that a database that is away is a 503 and never an empty list. */
  readonly first: IteratorResult<Uint8Array, void>;
  readonly rest: AsyncIterator<Uint8Array, void>;
  /** Called with rows before they are passed on. */
  readonly seen: (rows: Uint8Array) => void;
  readonly tail: () => Promise<string>;
}

/**
 * The body of `GET /plan`, piece by piece: `head`, the rows, `tail()`. The rows are the stored bytes as they come from the
 * log, a comma before each; nothing is parsed and no more than two pages of the log are in memory, however long the plan
 * is.
 */
export async function* planMessages({
  head,
  first,
  rest,
  seen,
  tail,
}: PlanMessages): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    const rows = first.value ?? empty;
    seen(rows);
    yield Buffer.concat([Buffer.from(head), rows.subarray(1)]);
    for (let next = await rest.next(); !next.done; next = await rest.next()) {
      seen(next.value);
      yield next.value;
    }
    yield Buffer.from(await tail());
  } finally {
    await rest.return?.();
  }
}

const empty = new Uint8Array();

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
