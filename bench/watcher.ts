/** The client process of bench/frames.ts: holds real sockets and notes when each frame was there. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { monotonicMs } from './monotonic.ts';

export type WatcherQuestion =
  /** Opens a socket for each plan; answered when each was sent its first frame. */
  | {
      readonly ask: 'watch';
      readonly by: 'v3' | 'indelible.v1';
      readonly url: string;
      readonly planIds: readonly string[];
    }
  /** Answered when so many messages came since the last time, or 10 s later. */
  | { readonly ask: 'frames'; readonly count: number };

/** Which messages came, and when ({@link monotonicMs}). */
export interface WatcherAnswer {
  readonly messageIds: readonly string[];
  readonly times: Float64Array;
}

interface Frame {
  readonly type: string;
  readonly message_id?: string;
  readonly message?: { readonly message_id: string };
}

const frames: { readonly at: number; readonly data: Buffer }[] = [];
const sockets: WebSocket[] = [];

async function watch(by: 'v3' | 'indelible.v1', url: string, planIds: readonly string[]): Promise<void> {
  const server = url.replace(/^http/, 'ws');
  await Promise.all(
    planIds.map(async (planId, index) => {
      const path = by === 'v3' ? `v3/socket/${planId}` : 'v1/socket';
      const socket = new WebSocket(`${server}/api/${path}?user_id=user-${index}`, by === 'v3' ? [] : [by]);
      sockets.push(socket);
      if (by !== 'v3') socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', plan_id: planId })));
      const first = once(socket, 'message');
      // Parsed when asked for, so that reading one frame does not delay the next.
      socket.on('message', (data) => frames.push({ at: monotonicMs(), data: data as Buffer }));
      await first;
    }),
  );
  frames.length = 0;
}

async function arrived(count: number): Promise<WatcherAnswer> {
  const lateAt = monotonicMs() + 10_000;
  while (frames.length < count && monotonicMs() < lateAt) await new Promise((resolve) => setTimeout(resolve, 20));
  const messageIds: string[] = [];
  const times: number[] = [];
  for (const { at, data } of frames.splice(0)) {
    const frame = JSON.parse(data.toString()) as Frame;
    const messageId = frame.type === 'agent_message' ? frame.message_id : frame.message?.message_id;
    if (messageId === undefined) continue;
    messageIds.push(messageId);
    times.push(at);
  }
  return { messageIds, times: Float64Array.from(times) };
}

process.on('message', async (question: WatcherQuestion) => {
  if (question.ask === 'frames') process.send?.(await arrived(question.count));
  else {
    await watch(question.by, question.url, question.planIds);
    process.send?.({ messageIds: [], times: new Float64Array() });
  }
});
process.on('disconnect', () => {
  for (const socket of sockets) socket.terminate();
});
