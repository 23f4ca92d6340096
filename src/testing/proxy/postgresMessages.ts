/** One message of the protocol between PostgreSQL and its clients. */
export interface PostgresMessage {
  /** The letter of its type; empty for those with which a client opens the connection. */
  readonly type: string;
  /** All of it, as it was sent. */
  readonly bytes: Buffer;
  /** What follows type and length. */
  readonly body: Buffer;
}

const lengthBytes = 4;

/**
 * Puts the messages of one direction together from pieces, however the network cut them. What is not a whole message
 * yet is kept.
 */
export class PostgresMessageReader {
  #pieces: Buffer[] = [];
  #size = 0;
  /** No message is whole before there are so many bytes. */
  #needed = 0;

  add(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#size += piece.length;
  }

  /** The next message, if all of it is there. `untyped`: it has no type, as the first one of a client. */
  next(untyped = false): PostgresMessage | undefined {
    const typeBytes = untyped ? 0 : 1;
    const headerBytes = typeBytes + lengthBytes;
    if (this.#size < Math.max(this.#needed, headerBytes)) return undefined;
    const all = this.#joined();
    const size = typeBytes + all.readInt32BE(typeBytes);
    this.#needed = size;
    if (this.#size < size) return undefined;
    const bytes = this.#take(all, size);
    return { type: untyped ? '' : String.fromCharCode(bytes[0] as number), bytes, body: bytes.subarray(headerBytes) };
  }

  /** One byte that is no message: the answer to a request for encryption. */
  nextByte(): Buffer | undefined {
    return this.#size === 0 ? undefined : this.#take(this.#joined(), 1);
  }

  /** All that is there, for whoever no longer cares for messages. */
  rest(): Buffer {
    return this.#take(this.#joined(), this.#size);
  }

  #joined(): Buffer {
    const all = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
  }

  #take(all: Buffer, size: number): Buffer {
    this.#pieces = [all.subarray(size)];
    this.#size -= size;
    this.#needed = 0;
    return all.subarray(0, size);
  }
}

/** The strings, each ended by a zero byte, with which a body begins. */
export function leadingStrings(body: Buffer, count: number): string[] {
  const found: string[] = [];
  let start = 0;
  while (found.length < count) {
    const end = body.indexOf(0, start);
    if (end < 0) break;
    found.push(body.toString('utf8', start, end));
    start = end + 1;
  }
  return found;
}
