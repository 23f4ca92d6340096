import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Json } from './http.ts';

export interface RawFrame {
  readonly opcode?: number;
  readonly fin?: boolean;
  readonly payload?: string | Buffer;
  readonly masked?: boolean;
  /** Bits RSV1 to RSV3, as they stand in the first byte. */
  readonly reserved?: number;
}

/** The bytes of a frame, which may be one that no client may send (RFC 6455, section 5.2). */
export function frameBytes(frame: RawFrame): Buffer {
  const { opcode = 1, fin = true, payload = '', masked = true, reserved = 0 } = frame;
  const data = Buffer.from(payload);
  const length =
    data.length < 126
      ? Buffer.from([data.length])
      : data.length < 65_536
        ? Buffer.from([126, data.length >> 8, data.length & 0xff])
        : Buffer.from([127, 0, 0, 0, 0, ...new Uint8Array(new Uint32Array([data.length]).buffer).toReversed()]);
  length[0] = (length[0] as number) | (masked ? 0x80 : 0);
  const mask = masked ? randomBytes(4) : Buffer.alloc(0);
  const sent = data.map((byte, index) => (masked ? byte ^ (mask[index % 4] as number) : byte));
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | reserved | opcode]), length, mask, sent]);
}

/** A socket that sends what it likes, and may stop reading. */
export class RawWebSocket {
  readonly tcp: Socket;
  readonly frames: Json[] = [];
  readonly pings: Buffer[] = [];
  /** With the code of the server's close frame; 1006 if the connection ended without one. */
  readonly closed: Promise<number>;
  #bytes = Buffer.alloc(0);
  #code = 1006;
  #isOpen = false;
  #looks = new Set<() => void>();

  /** `path`: of a v3 plan, unless it begins with a slash. */
  constructor(port: number, path: string) {
    this.tcp = connect(port, '127.0.0.1');
    this.tcp.on('error', () => {});
    this.tcp.on('data', (chunk) => this.#read(chunk));
    this.closed = new Promise((resolve) => this.tcp.on('close', () => resolve(this.#code)));
    this.tcp.write(
      `GET ${path.startsWith('/') ? path : `/api/v3/socket/${path}`}?user_id=raw HTTP/1.1\r\nHost: localhost\r\n` +
        'Connection: Upgrade\r\nSec-WebSocket-Protocol: indelible.v1\r\n' +
        `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    );
    onTestFinished(() => void this.tcp.destroy());
  }

  /** Resolves when the first frame was read. */
  static async open(port: number, planId: string): Promise<RawWebSocket> {
    const socket = new RawWebSocket(port, planId);
    await socket.until(({ frames }) => frames.length > 0);
    return socket;
  }

  send(...frames: readonly RawFrame[]): void {
    this.tcp.write(Buffer.concat(frames.map(frameBytes)));
  }

  /** A socket of `indelible.v1`, which was answered. */
  static async live(port: number): Promise<RawWebSocket> {
    const socket = new RawWebSocket(port, '/api/v1/socket');
    socket.send({ payload: '{"type":"ping"}' });
    await socket.until(({ frames }) => frames.length > 0);
    return socket;
  }

  ofType(type: string): Json[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  until(condition: (socket: this) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition(this)) return;
        this.#looks.delete(look);
        resolve();
      };
      this.#looks.add(look);
      look();
    });
  }

  #read(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (!this.#isOpen) {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.#isOpen = true;
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    while (this.#readFrame());
    for (const look of [...this.#looks]) look();
  }

  /** The server's frames are whole and not masked. */
  #readFrame(): boolean {
    const [first = 0, second = 0] = this.#bytes;
    const start = second < 126 ? 2 : second === 126 ? 4 : 10;
    if (this.#bytes.length < start) return false;
    const length =
      second < 126 ? second : second === 126 ? this.#bytes.readUInt16BE(2) : Number(this.#bytes.readBigUInt64BE(2));
    if (this.#bytes.length < start + length) return false;
    const payload = this.#bytes.subarray(start, start + length);
    this.#bytes = this.#bytes.subarray(start + length);
    const opcode = first & 0x0f;
    if (opcode === 1) this.frames.push(JSON.parse(payload.toString()));
    else if (opcode === 9) this.pings.push(payload);
    else if (opcode === 8) {
      this.#code = length < 2 ? 1005 : payload.readUInt16BE(0);
      this.tcp.end(frameBytes({ opcode: 8, payload }));
    }
    return true;
  }
}
