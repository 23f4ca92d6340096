import { encodeCursor } from '../protocol/cursor.ts';
import { messageFrame } from '../protocol/liveFrames.ts';
import type { StoredMessage } from '../protocol/message.ts';
import type { LogPosition } from '../store/messageLog.ts';
import type { Framing } from './framing.ts';

/**
 * A run is written in chunks of at least this size, in characters of bodies, each with a cursor: a slow reader costs so
 * much more than its budget, and one whose connection breaks again and again gets on by so much each time.
 */
const chunkSize = 256 * 1024;

/** Messages that are written together, as the bytes to write. Made once for all who are sent them. */
export class FramedRuns {
  readonly #framing: Framing;
  readonly #runs = new WeakMap<readonly StoredMessage[], readonly Chunk[]>();

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  /** `messages` must be the same array for all who are to share the bytes, and must not change. */
  of(messages: readonly StoredMessage[]): readonly Chunk[] {
    let chunks = this.#runs.get(messages);
    if (chunks === undefined) {
      chunks = chunked(messages).map((chunk) => new Chunk(chunk, this.#framing));
      this.#runs.set(messages, chunks);
    }
    return chunks;
  }
}

/** Messages in one write. Their last frame has the cursor. */
export class Chunk {
  readonly last: StoredMessage;
  readonly #messages: readonly StoredMessage[];
  readonly #framing: Framing;
  /** What was made last: nearly always what is asked for next. */
  #made: { readonly bytes: Buffer; readonly lastAt: number; readonly place: LogPosition; epoch: string } | undefined;

  constructor(messages: readonly StoredMessage[], framing: Framing) {
    this.#messages = messages;
    this.#framing = framing;
    this.last = messages.at(-1) as StoredMessage;
  }

  /** `place`: where in the log of this epoch whoever has all of it is. */
  bytes(place: LogPosition, epoch: string): Buffer {
    const made = this.#made;
    if (made?.place.sequence === place.sequence && made.place.revision === place.revision && made.epoch === epoch) {
      return made.bytes;
    }
    const cursor = encodeCursor({ epoch, planId: this.last.planId, ...place });
    const last = this.#framing(messageFrame(this.last, cursor), 'message', cursor);
    const others =
      made === undefined
        ? Buffer.concat(this.#messages.slice(0, -1).map((one) => this.#framing(messageFrame(one), 'message')))
        : made.bytes.subarray(0, made.lastAt);
    const bytes = others.length === 0 ? last : Buffer.concat([others, last]);
    this.#made = { bytes, lastAt: others.length, place: { ...place }, epoch };
    return bytes;
  }
}

function chunked(messages: readonly StoredMessage[]): readonly (readonly StoredMessage[])[] {
  const chunks: StoredMessage[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    if (size >= chunkSize) {
      chunks.push([]);
      size = 0;
    }
    chunks.at(-1)?.push(message);
    size += message.body.length;
  }
  return chunks;
}
