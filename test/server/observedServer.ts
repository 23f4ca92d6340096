import type { Socket } from 'node:net';
import { plainHttpServer, type TestServerOptions, testServer } from './testServer.ts';

/** A server of which is known how much waits to be written, at most for one connection, and how many there are. */
export async function observedServer(options: TestServerOptions = {}) {
  const transports = new Set<Socket>();
  const on = plainHttpServer();
  on.on('connection', (transport) => {
    transports.add(transport);
    transport.on('close', () => transports.delete(transport));
  });
  const server = await testServer({ ...options, on });
  const waiting = () => Math.max(0, ...[...transports].map(({ writableLength }) => writableLength));
  const connected = () => transports.size;
  return { server, waiting, connected };
}
