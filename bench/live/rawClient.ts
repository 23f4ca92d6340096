import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/**
 * A WebSocket client that does next to nothing: it counts frames. With a thousand of them on the machine, what a client
 * library does with a frame would be most of what is measured.
 */
export class RawClient {
  readonly opened: Promise<void>;
  frames = 0;
  readonly #tcp: Socket;
  readonly #counted: () => void;
  #header = Buffer.alloc(0);
  #payloadLeft = 0;
  #open = () => {};
  #isOpen = false;

  /** @param counted called when frames have come */
  constructor(port: number, path: string, counted: () => void) {
    this.#counted = counted;
    this.#tcp = connect({ port, host: '127.0.0.1', noDelay: true });
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#tcp.once('error', reject);
    });
    this.#tcp.on('error', () => {});
    this.#tcp.on('data', (bytes) => this.#read(bytes));
    this.#tcp.write(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Protocol: indelible.v1\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    );
  }

  /** Less than 126 bytes. */
  send(text: string): void {
    const payload = Buffer.from(text);
    // A mask of zeros is a mask.
    this.#tcp.write(Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
  }

  close(): void {
    this.#tcp.destroy();
  }

  #read(chunk: Buffer): void {
    let bytes = chunk;
    if (!this.#isOpen) {
      this.#header = Buffer.concat([this.#header, chunk]);
      const end = this.#header.indexOf('\r\n\r\n');
      if (end < 0) return;
      bytes = this.#header.subarray(end + 4);
      this.#header = Buffer.alloc(0);
      this.#isOpen = true;
      this.#open();
    }
    const before = this.frames;
    this.#count(bytes);
    if (this.frames !== before) this.#counted();
  }

  #count(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#payloadLeft > 0) {
        const skipped = Math.min(this.#payloadLeft, bytes.length - at);
        this.#payloadLeft -= skipped;
        at += skipped;
        if (this.#payloadLeft === 0) this.frames++;
        continue;
      }
      this.#header = Buffer.concat([this.#header, bytes.subarray(at, at + 1)]);
      at++;
      const length = payloadLength(this.#header);
      if (length === undefined) continue;
      this.#header = Buffer.alloc(0);
      this.#payloadLeft = length;
      if (length === 0) this.frames++;
    }
  }
}

/** Undefined while the header is not whole. Servers do not mask. */
function payloadLength(header: Buffer): number | undefined {
  const second = header[1] ?? 0;
  const whole = header.length < 2 ? 2 : second < 126 ? 2 : second === 126 ? 4 : 10;
  if (header.length < whole) return undefined;
  if (whole === 2) return second;
  return whole === 4 ? header.readUInt16BE(2) : Number(header.readBigUInt64BE(2));
}
