import type { IncomingMessage } from 'node:http';
import type { Indelible } from '../agents/indelible.ts';
import { decodeCursor } from '../protocol/cursor.ts';
import { checkId } from '../protocol/message.ts';
import { queryParameter } from './queryParameter.ts';
import type { ServerLimits } from './serverLimits.ts';
import type { Opened, SocketRoute } from './socketRoute.ts';
import { startPlace } from './startPlace.ts';
import { withinDeadline } from './storeDeadline.ts';
import { userIdOf } from './userId.ts';
import type { WebSocketManager } from './webSocketManager.ts';

export interface PlanSocketRouteOptions {
  readonly indelible: Indelible;
  readonly sockets: WebSocketManager;
  readonly limits: ServerLimits;
}

/**
 * `/api/v3/socket/{plan_id}?user_id=&after=`. The plan need not exist: clients connect as soon as they know its id, and
 * what is written to it comes.
 */
export class PlanSocketRoute implements SocketRoute {
  readonly #options: PlanSocketRouteOptions;

  constructor(options: PlanSocketRouteOptions) {
    this.#options = options;
  }

  async admit({ url = '' }: IncomingMessage, segment: string): Promise<Opened> {
    const { indelible, sockets, limits } = this.#options;
    const userId = userIdOf(queryParameter(url, 'user_id'), 'user_id');
    const planId = checkId(decoded(segment), 'plan_id');
    const after = queryParameter(url, 'after');
    if (after !== undefined) decodeCursor(after, { epoch: '', planId });
    const extent = await withinDeadline(indelible.clock, limits.storeDeadlineMs, indelible.feed.extent(planId));
    // Of a log that is another one now, all is shown: what the client holds of the old one is no reason to leave it out.
    const start = after === undefined ? undefined : startPlace(planId, after, extent).place;
    return (ws, transport) => sockets.open(ws, transport, { planId, userId }, extent.head, start);
  }
}

/** What cannot be decoded is no id either. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
