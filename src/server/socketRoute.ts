import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Refusal } from './detail.ts';

/** What is done with a socket that was just opened. */
export type Opened = (ws: WebSocket, transport: Duplex) => void;

/** Sockets at one path: whom they are opened for, asked before the upgrade. */
export interface SocketRoute {
  /**
   * A refusal is answered as any HTTP call is. `segment`: what stands in the path for this socket, still encoded.
   *
   * @throws IndelibleError which is answered the same way
   */
  admit(request: IncomingMessage, segment: string): Promise<Opened | Refusal>;
}
