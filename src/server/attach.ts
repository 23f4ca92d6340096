import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import type { Indelible } from '../agents/indelible.ts';
import type { Runner } from '../runs/runner.ts';
import { type AccessOptions, AccessPolicy } from './accessPolicy.ts';
import { detailAnswer, detailBytes, type Refusal } from './detail.ts';
import { LiveClients } from './liveClients.ts';
import { LiveSocketRoute } from './liveSocketRoute.ts';
import { PersonAnswers } from './personAnswers.ts';
import { PlanSocketRoute } from './planSocketRoute.ts';
import { defaultLimits, type ServerLimits } from './serverLimits.ts';
import { SocketUpgrade } from './socketUpgrade.ts';
import { v3App } from './v3App.ts';
import { WebSocketManager } from './webSocketManager.ts';

export interface AttachOptions extends AccessOptions {
  readonly indelible: Indelible;
  readonly runner: Runner;
  readonly limits?: Partial<ServerLimits> | undefined;
}

export interface Attached {
  readonly sockets: WebSocketManager;
  /**
   * Takes no more connections, closes sockets with 1001, lets requests that are being answered end. What has not ended
   * by itself within `closeTimeoutMs` is cut off. Closes the HTTP server; neither the runner nor the log.
   */
  close(): Promise<void>;
}

/**
 * Answers all requests and upgrades of an HTTP server that is there already: what is not /api/v3 is 404. The server's own
 * limits (headers, timeouts) are its maker's business; `startServer` sets them.
 *
 * @throws IndelibleError `invalid_config`
 */
export function attach(server: Server, options: AttachOptions): Attached {
  const { indelible, runner } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const access = new AccessPolicy(options);
  const sockets = new WebSocketManager(indelible, limits, new PersonAnswers({ indelible, runner, limits }));
  const clients = new LiveClients(indelible.clock, limits);
  const plan = new PlanSocketRoute({ indelible, sockets, limits });
  const live = new LiveSocketRoute({ indelible, clients, limits });
  const upgrade = new SocketUpgrade(server, { access, limits, plan, live });
  const app = v3App({ indelible, runner, access, limits, clients });
  const listener = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    errorHandler: () => detailAnswer({ status: 400, detail: 'The request cannot be understood' }),
  });
  const answers = new WeakMap<Duplex, ServerResponse>();
  let closing: Promise<void> | undefined;

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answers.set(request.socket, response);
    response.on('close', () => {
      if (!server.listening) setImmediate(() => server.closeIdleConnections());
    });
    void listener(request, response);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, transport) => {
    const answer = answers.get(transport);
    const isAnswering = answer?.headersSent && !answer.writableFinished;
    if (isAnswering || !transport.writable || error.code === 'ECONNRESET') {
      transport.destroy();
      return;
    }
    const refusal = refusalOfBadRequest(error.code);
    transport.end(detailBytes(refusal, STATUS_CODES[refusal.status] ?? ''));
  });

  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const cancel = indelible.clock.schedule(limits.closeTimeoutMs, () => server.closeAllConnections());
    upgrade.close();
    await Promise.all([sockets.closeAll(1001), clients.closeAll()]);
    await closed;
    cancel();
  }
  return { sockets, close: () => (closing ??= close()) };
}

/** What Node's parser refuses never becomes a request. https://nodejs.org/api/http.html#event-clienterror */
function refusalOfBadRequest(code: string | undefined): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW') return { status: 431, detail: 'The headers are too large' };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { status: 408, detail: 'The request took too long to arrive' };
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return { status: 413, detail: 'The chunk extensions are too large' };
  return { status: 400, detail: 'The request is not HTTP' };
}
