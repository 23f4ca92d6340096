import { agentNameEnd, agentNameStart } from '../protocol/messageBytes.ts';
import type { RowView } from '../protocol/rowView.ts';

const comma = 0x2c;
const zero = 0x30;
/** Of the numbers a view shows: they are integers below 2^53. */
const maxDigits = 16;

/**
 * Rows of a view as UTF-8, a comma before each, put together from the bytes of bodies as a database sends them: nothing
 * is decoded, and a row costs its own bytes and no object. The same, byte for byte, as `rowText` gives; what breaks that is
 * a body that `encodeMessageBytes` did not write.
 */
export class RowBytes {
  readonly #values: RowView['values'];
  readonly #texts: readonly Uint8Array[];
  /** What a row is at most longer than its bodies. */
  readonly #around: number;
  readonly #bodies: number;
  #bytes: Buffer;
  #length = 0;

  /** `size`: of the bodies that come, in bytes, as far as it is known. */
  constructor(view: RowView, size = 64 * 1024) {
    this.#values = view.values;
    this.#texts = encodedTexts(view);
    this.#around = this.#texts.reduce((sum, text) => sum + text.length, 1 + view.values.length * maxDigits);
    this.#bodies = view.values.filter((value) => value === 'members' || value === 'agentName').length;
    this.#bytes = Buffer.allocUnsafe(Math.ceil(size * 1.25) + 4096);
  }

  /** Adds the message whose body is `source` from `start` to `end`; the bytes are copied. */
  add(sequence: number, version: number, source: Uint8Array, start: number, end: number): void {
    const values = this.#values;
    const texts = this.#texts;
    const bytes = this.#withRoomFor(this.#around + this.#bodies * (end - start));
    let at = this.#length;
    bytes[at++] = comma;
    at = putBytes(bytes, at, texts[0] as Uint8Array);
    for (let place = 0; place < values.length; place++) {
      switch (values[place]) {
        case 'sequence':
          at = putNumber(bytes, at, sequence);
          break;
        case 'version':
          at = putNumber(bytes, at, version);
          break;
        case 'agentName': {
          const nameStart = agentNameStart(source, start);
          at = putPart(bytes, at, source, nameStart, agentNameEnd(source, nameStart));
          break;
        }
        case 'members':
          at = putPart(bytes, at, source, start + 1, end - 1);
      }
      at = putBytes(bytes, at, texts[place + 1] as Uint8Array);
    }
    this.#length = at;
  }

  /** What was added; nothing may be added afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #withRoomFor(more: number): Buffer {
    const needed = this.#length + more;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}

/** Of a few dozen bytes: a loop is quicker than a call. */
function putBytes(bytes: Buffer, to: number, text: Uint8Array): number {
  let at = to;
  for (let index = 0; index < text.length; index++) bytes[at++] = text[index] as number;
  return at;
}

function putPart(bytes: Buffer, to: number, source: Uint8Array, start: number, end: number): number {
  if (end - start > 64) {
    bytes.set(source.subarray(start, end), to);
    return to + end - start;
  }
  let at = to;
  for (let index = start; index < end; index++) bytes[at++] = source[index] as number;
  return at;
}

function putNumber(bytes: Buffer, to: number, value: number): number {
  let end = to + 1;
  for (let bound = 10; value >= bound; bound *= 10) end++;
  let rest = value;
  for (let at = end - 1; at >= to; at--) {
    bytes[at] = zero + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return end;
}

const encoded = new WeakMap<RowView, readonly Uint8Array[]>();

function encodedTexts(view: RowView): readonly Uint8Array[] {
  let texts = encoded.get(view);
  if (texts === undefined) {
    texts = view.texts.map((text) => Buffer.from(text));
    encoded.set(view, texts);
  }
  return texts;
}
