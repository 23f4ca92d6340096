import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { burstSize, type Contender, planId } from './contender.ts';
import { frames } from './wsContender.ts';

/** What is used of Socket.IO, which is installed only for the bench. */
interface Io {
  on(event: 'connection', listener: (socket: { join(room: string): void }) => void): void;
  to(room: string): { emit(event: string, value: unknown): void };
  close(): Promise<void>;
}

/** Socket.IO, a room, and `emit` to it: nothing stored. WebSockets only, from the first byte. */
export class SocketIoContender implements Contender {
  readonly path = '/socket.io/?EIO=4&transport=websocket';
  /** Connects to the namespace; answered by the handshake's two packets. */
  readonly hello = '40';
  readonly answers = 2;
  readonly #http: Server;
  readonly #io: Io;
  readonly #made = frames(burstSize).map((text) => JSON.parse(text) as unknown);

  private constructor(http: Server, io: Io) {
    this.#http = http;
    this.#io = io;
    io.on('connection', (socket) => socket.join(planId));
  }

  static async start(): Promise<SocketIoContender> {
    const name = 'socket.io';
    const { Server: IoServer } = (await import(name)) as { Server: new (http: Server, options: object) => Io };
    const http = createServer();
    const io = new IoServer(http, { transports: ['websocket'], perMessageDeflate: false });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return new SocketIoContender(http, io);
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  async send(count: number, how: 'burst' | 'single'): Promise<void> {
    const size = how === 'burst' ? burstSize : 1;
    for (let sent = 0; sent < count; sent++) {
      this.#io.to(planId).emit('message', this.#made[sent % burstSize]);
      if ((sent + 1) % size === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    await this.#io.close();
  }
}
