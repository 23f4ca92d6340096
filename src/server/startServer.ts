import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { IndelibleError } from '../protocol/errors.ts';
import { type Attached, type AttachOptions, attach } from './attach.ts';
import { isLoopback } from './loopback.ts';
import { defaultLimits } from './serverLimits.ts';
import { asksForSocket } from './socketUpgrade.ts';

export interface ServerOptions extends AttachOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 4000; 0 takes a free one. */
  readonly port?: number;
}

export interface RunningServer extends Attached {
  /** `http://127.0.0.1:4000` */
  readonly url: string;
  readonly port: number;
}

/**
 * Serves /api/v3. There is no authentication yet, so it listens on loopback addresses only, unless `insecure` says that
 * something in front of it authenticates.
 *
 * @throws IndelibleError `insecure_listen`, `invalid_config`: an origin, or a host or port that cannot be listened on
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host = '127.0.0.1', port = 4000, insecure = false } = options;
  if (!insecure && !isLoopback(host)) {
    const message = `${host} is not a loopback address, and this version has no authentication`;
    throw new IndelibleError('insecure_listen', { message, field: 'host' });
  }
  const limits = { ...defaultLimits, ...options.limits };
  const server = createServer({
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: limits.connectionCheckMs,
    requireHostHeader: false, // it is required, and its absence answered, like everything else
    shouldUpgradeCallback: asksForSocket,
  });
  const attached = attach(server, options);
  await listen(server, host, port);
  server.on('error', () => {}); // a connection that could not be accepted is that client's loss, not the server's
  const { port: listening } = server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host;
  return { ...attached, url: `http://${name}:${listening}`, port: listening };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException) => {
      const isHost = cause.code === 'EADDRNOTAVAIL' || cause.code === 'ENOTFOUND' || cause.code === 'EAI_AGAIN';
      const message = `cannot listen on ${host}, port ${port}: ${cause.message}`;
      reject(new IndelibleError('invalid_config', { message, field: isHost ? 'host' : 'port', cause }));
    };
    server.once('error', failed);
    try {
      server.listen(port, host.replace(/^\[(.*)\]$/, '$1'), () => {
        server.off('error', failed);
        resolve();
      });
    } catch (cause) {
      failed(cause as NodeJS.ErrnoException); // a port that is none
    }
  });
}
