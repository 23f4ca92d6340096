import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { messageFrame } from '../../src/protocol/liveFrames.ts';
import { prepareMessage } from '../../src/protocol/message.ts';
import { webSocketFraming } from '../../src/server/framing.ts';
import { Workload } from '../workload.ts';
import { burstSize, type Contender, planId } from './contender.ts';

/** The frames that Indelible sends, as text. */
export function frames(count: number): string[] {
  const workload = new Workload(1);
  return Array.from({ length: count }, (_, index) => {
    const prepared = prepareMessage(workload.message(index), { now: () => 0 });
    return messageFrame({ ...prepared, sequence: index + 1, version: 1, revision: 0 });
  });
}

/**
 * `ws`, and a loop that sends each message to each client: nothing stored, nothing promised. `stored` messages are sent
 * to a client when it comes, as one buffer that was made before: the least that a client that comes back could cost.
 */
export class WsContender implements Contender {
  readonly path = '/';
  readonly hello = JSON.stringify({ type: 'subscribe', plan_id: planId });
  readonly answers = 1;
  readonly #server: WebSocketServer;
  readonly #made = frames(burstSize);

  private constructor(server: WebSocketServer, stored: number) {
    this.#server = server;
    const caughtUp = webSocketFraming('{"type":"caught_up"}', 'caught_up');
    const texts = stored === 0 ? [] : frames(stored);
    const buffer = Buffer.concat([...texts.map((text) => webSocketFraming(text, 'message')), caughtUp]);
    server.on('connection', (ws, request: IncomingMessage) => {
      const transport = request.socket as Duplex;
      ws.on('message', () => transport.write(buffer));
      ws.on('error', () => {});
    });
  }

  static async start(stored: number): Promise<WsContender> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
    await once(server, 'listening');
    return new WsContender(server, stored);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async send(count: number, how: 'burst' | 'single'): Promise<void> {
    const size = how === 'burst' ? burstSize : 1;
    for (let sent = 0; sent < count; sent++) {
      const text = this.#made[sent % burstSize] as string;
      for (const client of this.#server.clients) client.send(text);
      if ((sent + 1) % size === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }
}
