import type { WebSocketLike } from '../../src/client/webSocketLike.ts';
import type { ClientFrame, ServerFrame } from '../../src/protocol/liveFrames.ts';

/** The other end of a client's sockets, moved by hand: nothing opens, arrives or breaks unless the test says so. */
export class FakeServer {
  readonly sockets: FakeSocket[] = [];
  readonly WebSocket: new (
    url: string,
    protocols: string,
  ) => WebSocketLike;

  constructor() {
    const { sockets } = this;
    this.WebSocket = class extends FakeSocket {
      constructor(url: string, protocols: string) {
        super(url, protocols);
        sockets.push(this);
      }
    };
  }

  /** The socket that was made last. */
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('the client has made no socket');
    return socket;
  }
}

class FakeSocket implements WebSocketLike {
  readonly url: string;
  readonly protocols: string;
  readonly frames: ClientFrame[] = [];
  /** The client has closed it, with this code. */
  closedWith: number | 'no code' | undefined;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;

  constructor(url: string, protocols: string) {
    this.url = url;
    this.protocols = protocols;
  }

  send(text: string): void {
    this.frames.push(JSON.parse(text));
  }

  close(code?: number): void {
    this.closedWith = code ?? 'no code';
  }

  ofType<T extends ClientFrame['type']>(type: T): Extract<ClientFrame, { type: T }>[] {
    return this.frames.filter((frame) => frame.type === type) as Extract<ClientFrame, { type: T }>[];
  }

  opens(): this {
    this.onopen?.({} as never);
    return this;
  }

  breaks(): void {
    this.onclose?.({ code: 1006 } as never);
  }

  says(...frames: readonly (ServerFrame | string)[]): void {
    for (const frame of frames) {
      this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) } as never);
    }
  }
}
