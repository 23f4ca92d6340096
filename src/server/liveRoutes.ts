import type { Hono } from 'hono';
import type { Indelible } from '../agents/indelible.ts';
import { decodeCursor, encodeCursor } from '../protocol/cursor.ts';
import { IndelibleError } from '../protocol/errors.ts';
import type { StoredMessage } from '../protocol/message.ts';
import type { AppEnv } from './appEnv.ts';
import { detailAnswer } from './detail.ts';
import { EventStream } from './eventStream.ts';
import { eventStreamFraming } from './framing.ts';
import type { LiveClients } from './liveClients.ts';
import { LiveFraming } from './liveFraming.ts';
import { LiveSubscription } from './liveSubscription.ts';
import { planIdInPath } from './planIdInPath.ts';
import { queryParameter } from './queryParameter.ts';
import type { ServerLimits } from './serverLimits.ts';
import { startPlace } from './startPlace.ts';
import { withinDeadline } from './storeDeadline.ts';
import { userIdOf } from './userId.ts';

export interface LiveRoutes {
  readonly indelible: Indelible;
  readonly clients: LiveClients;
  readonly limits: ServerLimits;
}

const defaultLimit = 250;
const maxLimit = 1_000;

/** `indelible.v1` without a WebSocket: server-sent events, and pages for whoever asks from time to time. */
export function addLiveRoutes(app: Hono<AppEnv>, { indelible, clients, limits }: LiveRoutes): void {
  const { clock, feed, store } = indelible;
  const framing = new LiveFraming(eventStreamFraming);
  const inTime = <T>(answer: Promise<T>) => withinDeadline(clock, limits.storeDeadlineMs, answer);

  app.get('/api/v1/plans/:plan_id/messages', async (c) => {
    const planId = planIdInPath(c);
    const after = queryParameter(c.req.url, 'after');
    const limit = limitOf(queryParameter(c.req.url, 'limit'));
    const extent = await inTime(feed.extent(planId));
    const { place, isReset } = startPlace(planId, after, extent);
    if (isReset) return c.json({ plan_id: planId, reset: true });
    const page = await inTime(store.log.read(planId, place, limit));
    // An update of a message that is yet to come comes with it.
    const updates = page.updates.filter(({ sequence }) => sequence <= place.sequence);
    const sequence = Math.max(page.position.sequence, page.trimmed);
    const cursor = encodeCursor({ epoch: extent.epoch, planId, sequence, revision: page.position.revision });
    const gap = page.trimmed > place.sequence ? `"gap":{"from":${place.sequence + 1},"to":${page.trimmed}},` : '';
    const messages = [...updates, ...page.messages].map(listed).join(',');
    c.header('Content-Type', 'application/json');
    return c.body(
      `{"plan_id":${JSON.stringify(planId)},${gap}"messages":[${messages}],"cursor":"${cursor}","more":${page.more}}`,
    );
  });

  app.get('/api/v1/plans/:plan_id/events', async (c) => {
    const planId = planIdInPath(c);
    const userId = userIdOf(queryParameter(c.req.url, 'user_id') ?? c.req.header(principal), 'user_id');
    const after = c.req.header('last-event-id') || queryParameter(c.req.url, 'after');
    if (after !== undefined) decodeCursor(after, { epoch: '', planId });
    if (clients.isFull(userId)) throw new IndelibleError('too_many_connections');
    await inTime(feed.extent(planId));
    c.header('Content-Type', 'text/event-stream; charset=utf-8');
    c.header('X-Accel-Buffering', 'no');
    if (c.req.method === 'HEAD') return c.body(null);
    const { outgoing } = c.env ?? {};
    const stream = new EventStream({
      userId,
      clock,
      limits,
      framing,
      tooSlow: () => indelible.observe({ type: 'live_client_let_go', userId }),
      cut: () => outgoing?.destroy(),
    });
    clients.add(stream);
    const subscription = new LiveSubscription({ indelible, outlet: stream, planId, userId, after });
    void stream.ended.then(() => subscription.close());
    return c.body(stream.body);
  });

  app.get('/api/v1/socket', () =>
    detailAnswer({ status: 426, detail: 'This is a WebSocket', headers: { Upgrade: 'websocket' } }),
  );
}

const principal = 'x-ms-client-principal-id';

function listed({ sequence, version, body }: StoredMessage): string {
  return `{"sequence":${sequence},"version":${version},"message":${body}}`;
}

/** @throws IndelibleError `invalid_request` */
function limitOf(text: string | undefined): number {
  if (text === undefined) return defaultLimit;
  const limit = /^\d{1,15}(e\d)?$/i.test(text) ? Number(text) : 0;
  if (limit >= 1) return Math.min(limit, maxLimit);
  throw new IndelibleError('invalid_request', { message: 'limit must be a whole number from 1', field: 'limit' });
}
