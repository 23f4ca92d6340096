import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { IndelibleError } from '../protocol/errors.ts';

export const loopback = '127.0.0.1';

/** Below the ports that Linux (from 32768), macOS and Windows (from 49152) hand out by themselves. */
const lowest = 20_000;
const beyond = 32_768;
const tries = 100;

/**
 * Listens on a port of 127.0.0.1 that the system gives to nobody by itself. So whoever stops listening for a while, to
 * be refused or to restart, finds its port still free, and a client that calls it meanwhile reaches nobody else.
 */
export async function listenOnFreePort(server: Server): Promise<number> {
  for (let attempt = 0; attempt < tries; attempt++) {
    const port = randomInt(lowest, beyond);
    if (await listens(server, port)) return port;
  }
  throw new IndelibleError('store_unavailable', { message: `found no free port of ${loopback} in ${tries} tries` });
}

/** Such a port that was free just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenOnFreePort(server);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** Resolves once connections are taken, rejects if the port is not to be had. */
export function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const listening = () => {
      server.off('error', failed);
      resolve();
    };
    const failed = (error: Error) => {
      server.off('listening', listening);
      reject(error);
    };
    server.once('error', failed).once('listening', listening).listen(port, loopback);
  });
}

async function listens(server: Server, port: number): Promise<boolean> {
  try {
    await listen(server, port);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' || code === 'EACCES') return false;
    throw error;
  }
}
