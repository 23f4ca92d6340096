/**
 * Follows a client's byte stream (RFC 6455, section 5.2) far enough to know whether a message has begun and not ended.
 * The socket library tells only of whole messages; without this, a client could hold one open for ever, byte by byte.
 * Control frames may stand between the fragments of a message and do not end it.
 */
export class MessageBoundary {
  readonly #header: number[] = [];
  #payloadLeft = 0;
  #fragmented = false;

  /** Whether something is unfinished after these bytes. */
  follow(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; ) {
      if (this.#payloadLeft > 0) {
        const skipped = Math.min(this.#payloadLeft, bytes.length - at);
        this.#payloadLeft -= skipped;
        at += skipped;
      } else {
        this.#header.push(bytes[at++] as number);
        if (this.#header.length === headerLength(this.#header)) this.#begin();
      }
    }
    return this.#fragmented || this.#payloadLeft > 0 || this.#header.length > 0;
  }

  #begin(): void {
    const [first = 0] = this.#header;
    const isControl = (first & 0x08) !== 0;
    if (!isControl) this.#fragmented = (first & 0x80) === 0;
    this.#payloadLeft = payloadLength(this.#header);
    this.#header.length = 0;
  }
}

function headerLength([, second]: readonly number[]): number {
  if (second === undefined) return 2;
  return 2 + extendedLength(second) + (second & 0x80 ? 4 : 0);
}

function payloadLength([, second = 0, ...rest]: readonly number[]): number {
  const extended = extendedLength(second);
  if (extended === 0) return second & 0x7f;
  return rest.slice(0, extended).reduce((length, byte) => length * 256 + byte, 0);
}

/** How many bytes of the header hold the length, beyond the second one. */
function extendedLength(second: number): number {
  const length = second & 0x7f;
  if (length < 126) return 0;
  return length === 126 ? 2 : 8;
}
