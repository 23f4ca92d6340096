import type { IncomingMessage } from 'node:http';
import type { Indelible } from '../agents/indelible.ts';
import { IndelibleError } from '../protocol/errors.ts';
import { liveProtocol } from '../protocol/liveFrames.ts';
import { webSocketFraming } from './framing.ts';
import type { LiveClients } from './liveClients.ts';
import { LiveFraming } from './liveFraming.ts';
import { LiveSocket } from './liveSocket.ts';
import { queryParameter } from './queryParameter.ts';
import type { ServerLimits } from './serverLimits.ts';
import type { Opened, SocketRoute } from './socketRoute.ts';
import { userIdOf } from './userId.ts';

export interface LiveSocketRouteOptions {
  readonly indelible: Indelible;
  readonly clients: LiveClients;
  readonly limits: ServerLimits;
}

/** `/api/v1/socket?user_id=`, for clients that speak `indelible.v1`. */
export class LiveSocketRoute implements SocketRoute {
  readonly #options: LiveSocketRouteOptions;
  readonly #framing = new LiveFraming(webSocketFraming);

  constructor(options: LiveSocketRouteOptions) {
    this.#options = options;
  }

  async admit({ url = '', headers }: IncomingMessage): Promise<Opened> {
    const { indelible, clients, limits } = this.#options;
    const userId = userIdOf(queryParameter(url, 'user_id'), 'user_id');
    if (!offersLive(headers['sec-websocket-protocol'])) throw new IndelibleError('protocol_missing');
    if (clients.isFull(userId)) throw new IndelibleError('too_many_connections');
    return (ws, transport) =>
      clients.add(new LiveSocket({ ws, transport, userId, indelible, limits, framing: this.#framing }));
  }
}

function offersLive(offered: string | undefined): boolean {
  return offered?.split(',').some((name) => name.trim() === liveProtocol) ?? false;
}
