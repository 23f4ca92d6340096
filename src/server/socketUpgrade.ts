import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Indelible } from '../agents/indelible.ts';
import { checkId } from '../protocol/message.ts';
import { type LogPosition, logStart } from '../store/messageLog.ts';
import type { AccessPolicy } from './accessPolicy.ts';
import { detailBytes, type Refusal, refusalOf } from './detail.ts';
import { queryParameter } from './queryParameter.ts';
import type { SocketPeer } from './serverFrames.ts';
import type { ServerLimits } from './serverLimits.ts';
import { withinDeadline } from './storeDeadline.ts';
import { userIdOf } from './userId.ts';
import type { WebSocketManager } from './webSocketManager.ts';

export interface SocketUpgradeOptions {
  readonly indelible: Indelible;
  readonly sockets: WebSocketManager;
  readonly access: AccessPolicy;
  readonly limits: ServerLimits;
}

/** Whether the request asks for a socket of this API; others are plain requests, whatever they want to upgrade to. */
export function asksForSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket' && planPath(request) !== undefined;
}

/**
 * Opens `/api/v3/socket/{plan_id}?user_id=` on a server. Refusals are answered before the upgrade, as any HTTP call is.
 *
 * The plan need not exist: clients connect as soon as they know its id, and what is written to it comes.
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
    };
    this.#webSockets = new WebSocketServer(socketOptions);
    this.#webSockets.on('wsClientError', ({ message }, transport) =>
      refuse(transport, { status: 400, detail: message }),
    );
    server.on('upgrade', (request, transport, head) => void this.#upgrade(request, transport, head));
  }

  /** Opens no more sockets; closes those that are open with 1001. Resolves when those are gone, in bounded time. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#options.sockets.closeAll(1001);
  }

  /** Never rejects. */
  async #upgrade(request: IncomingMessage, transport: Duplex, head: Buffer): Promise<void> {
    transport.on('error', () => transport.destroy());
    try {
      const peer = this.#peer(request);
      if ('status' in peer) return refuse(transport, peer);
      const position = await this.#head(peer.planId);
      if (this.#closed) return refuse(transport, { status: 503, detail: 'The server is going away' });
      this.#webSockets.handleUpgrade(request, transport, head, (ws) => {
        this.#options.sockets.open(ws, transport, peer, position);
      });
    } catch (error) {
      refuse(transport, refusalOf(error));
    }
  }

  #peer(request: IncomingMessage): SocketPeer | Refusal {
    const { access } = this.#options;
    const { host, origin } = request.headers;
    const target = absoluteForm.exec(request.url ?? '');
    const hostsAllowed = access.allowsHost(host) && (target === null || access.allowsHost(target[1]));
    if (!hostsAllowed) return { status: 403, detail: 'The host name is not one of this server' };
    if (!access.allowsOrigin(origin, host)) return { status: 403, detail: 'Pages of this origin may not call' };
    const path = planPath(request);
    if (path === undefined) return { status: 404, detail: 'Not found' };
    const userId = userIdOf(queryParameter(request.url ?? '', 'user_id'), 'user_id');
    return { planId: checkId(decode(path), 'plan_id'), userId };
  }

  /** How far the plan's log goes now. */
  async #head(planId: string): Promise<LogPosition> {
    const { indelible, limits } = this.#options;
    const heads = await withinDeadline(indelible.clock, limits.storeDeadlineMs, indelible.store.log.heads([planId]));
    return heads.get(planId) ?? logStart;
  }
}

/** A target that is a whole URL, as proxies get it; a server must take it too (RFC 9112, section 3.2.2). */
const absoluteForm = /^https?:\/\/([^/?#]*)/i;

/** The plan id as it stands in the path, still encoded; undefined for other paths. */
function planPath({ url = '' }: IncomingMessage): string | undefined {
  return /^\/api\/v3\/socket\/([^/?#]*)(?:[?#]|$)/.exec(url.replace(absoluteForm, ''))?.[1];
}

/** What cannot be decoded is no id either. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function refuse(transport: Duplex, refusal: Refusal): void {
  if (!transport.writable) return;
  transport.end(detailBytes(refusal, STATUS_CODES[refusal.status] ?? ''), () => transport.destroy());
}
