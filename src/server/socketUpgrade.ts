import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { liveProtocol } from '../protocol/liveFrames.ts';
import type { AccessPolicy } from './accessPolicy.ts';
import { detailBytes, type Refusal, refusalOf } from './detail.ts';
import type { ServerLimits } from './serverLimits.ts';
import type { Opened, SocketRoute } from './socketRoute.ts';

export interface SocketUpgradeOptions {
  readonly access: AccessPolicy;
  readonly limits: ServerLimits;
  readonly plan: SocketRoute;
  readonly live: SocketRoute;
}

/** Whether the request asks for a socket of this API; others are plain requests, whatever they want to upgrade to. */
export function asksForSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket' && pathOf(request) !== undefined;
}

/**
 * Opens sockets on a server: `/api/v3/socket/{plan_id}` and `/api/v1/socket`. Refusals are answered before the upgrade,
 * as any HTTP call is; who may ask at all is the same for both.
 */
export class SocketUpgrade {
  readonly #options: SocketUpgradeOptions;
  readonly #webSockets: WebSocketServer;
  #closed = false;

  constructor(server: Server, options: SocketUpgradeOptions) {
    const { maxInboundBytes, maxInboundFragments, closeTimeoutMs } = options.limits;
    this.#options = options;
    const socketOptions = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: maxInboundBytes,
      maxFragments: maxInboundFragments,
      closeTimeout: closeTimeoutMs,
      handleProtocols: selectedProtocol,
    };
    this.#webSockets = new WebSocketServer(socketOptions);
    this.#webSockets.on('wsClientError', ({ message }, transport) =>
      refuse(transport, { status: 400, detail: message }),
    );
    server.on('upgrade', (request, transport, head) => void this.#upgrade(request, transport, head));
  }

  /** Opens no more sockets. */
  close(): void {
    this.#closed = true;
  }

  /** Never rejects. */
  async #upgrade(request: IncomingMessage, transport: Duplex, head: Buffer): Promise<void> {
    transport.on('error', () => transport.destroy());
    try {
      const admitted = this.#refusal(request) ?? (await this.#admit(request));
      if (typeof admitted !== 'function') return refuse(transport, admitted);
      if (this.#closed) return refuse(transport, { status: 503, detail: 'The server is going away' });
      this.#webSockets.handleUpgrade(request, transport, head, (ws) => admitted(ws, transport));
    } catch (error) {
      refuse(transport, refusalOf(error));
    }
  }

  #refusal(request: IncomingMessage): Refusal | undefined {
    const { access } = this.#options;
    const { host, origin } = request.headers;
    const target = absoluteForm.exec(request.url ?? '');
    const hostsAllowed = access.allowsHost(host) && (target === null || access.allowsHost(target[1]));
    if (!hostsAllowed) return { status: 403, detail: 'The host name is not one of this server' };
    if (!access.allowsOrigin(origin, host)) return { status: 403, detail: 'Pages of this origin may not call' };
    return undefined;
  }

  async #admit(request: IncomingMessage): Promise<Opened | Refusal> {
    const path = pathOf(request);
    if (path === undefined) return { status: 404, detail: 'Not found' };
    const { plan, live } = this.#options;
    return path === livePath ? await live.admit(request, '') : await plan.admit(request, path.slice(planPath.length));
  }
}

const planPath = '/api/v3/socket/';
const livePath = '/api/v1/socket';

/** A target that is a whole URL, as proxies get it; a server must take it too (RFC 9112, section 3.2.2). */
const absoluteForm = /^https?:\/\/([^/?#]*)/i;

/** The path, still encoded, if sockets are there. */
function pathOf({ url = '' }: IncomingMessage): string | undefined {
  return /^(\/api\/(?:v3\/socket\/[^/?#]*|v1\/socket))(?:[?#]|$)/.exec(url.replace(absoluteForm, ''))?.[1];
}

/** Of the subprotocols that a client offers: the one its path speaks, else the first, which means nothing here. */
function selectedProtocol(offered: ReadonlySet<string>, request: IncomingMessage): string | false {
  if (pathOf(request) === livePath) return liveProtocol;
  const [first = false] = offered;
  return first;
}

function refuse(transport: Duplex, refusal: Refusal): void {
  if (!transport.writable) return;
  transport.end(detailBytes(refusal, STATUS_CODES[refusal.status] ?? ''), () => transport.destroy());
}
