import { agentNameEnd, agentNameStart } from './messageBytes.ts';
import type { RowView } from './rowView.ts';

const comma = 0x2c;
const zero = 0x30;

/**
 * Rows of a view as UTF-8, a comma before each, put together from the bytes of bodies as a database sends them: nothing
 * is decoded, and a row costs its own bytes and no object. The same, byte for byte, as {@link rowText} gives; what breaks
 * that is a body that `encodeMessageBytes` did not write.
 */
export class RowBytes {
  readonly #view: RowView;
  readonly #texts: readonly Uint8Array[];
  #bytes: Uint8Array;
  #length = 0;

  /** `size`: how many bytes of bodies come, as far as it is known. */
  constructor(view: RowView, size = 0) {
    this.#view = view;
    this.#texts = encodedTexts(view);
    this.#bytes = new Uint8Array(size + 4096);
  }

  /** Adds the message whose body is `source` from `start` to `end`; the bytes are copied. */
  add(sequence: number, version: number, source: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    this.#bytes[this.#length++] = comma;
    this.#putText(this.#texts[0] as Uint8Array);
    for (let place = 0; place < this.#view.values.length; place++) {
      switch (this.#view.values[place]) {
        case 'sequence':
          this.#putNumber(sequence);
          break;
        case 'version':
          this.#putNumber(version);
          break;
        case 'agentName':
          this.#putAgentName(source, start);
          break;
        case 'members':
          this.#putMany(source, start + 1, end - 1);
      }
      this.#putText(this.#texts[place + 1] as Uint8Array);
    }
  }

  /** What was added; nothing may be added afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A value is no longer than the body, or than the 16 digits of a number. */
  #reserve(bodyLength: number): void {
    const { values } = this.#view;
    const fixed = this.#texts.reduce((sum, text) => sum + text.length, 1);
    const needed = this.#length + fixed + values.length * Math.max(16, bodyLength);
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length + (this.#bytes.length >> 1)));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  /** Of a few dozen bytes: a loop is quicker than a call of `set`. */
  #putText(text: Uint8Array): void {
    const bytes = this.#bytes;
    let at = this.#length;
    for (let index = 0; index < text.length; index++) bytes[at++] = text[index] as number;
    this.#length = at;
  }

  #putAgentName(source: Uint8Array, bodyStart: number): void {
    const start = agentNameStart(source, bodyStart);
    this.#putMany(source, start, agentNameEnd(source, start));
  }

  #putMany(source: Uint8Array, start: number, end: number): void {
    if (end - start < 64) {
      for (let index = start; index < end; index++) this.#bytes[this.#length++] = source[index] as number;
      return;
    }
    this.#bytes.set(source.subarray(start, end), this.#length);
    this.#length += end - start;
  }

  #putNumber(value: number): void {
    let digits = 1;
    for (let bound = 10; value >= bound; bound *= 10) digits++;
    const end = this.#length + digits;
    let rest = value;
    for (let at = end - 1; at >= this.#length; at--) {
      this.#bytes[at] = zero + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    this.#length = end;
  }
}

const encoded = new WeakMap<RowView, readonly Uint8Array[]>();

function encodedTexts(view: RowView): readonly Uint8Array[] {
  let texts = encoded.get(view);
  if (texts === undefined) {
    const encoder = new TextEncoder();
    texts = view.texts.map((text) => encoder.encode(text));
    encoded.set(view, texts);
  }
  return texts;
}
