/** The client process of bench/frames.ts: holds real sockets and notes when each frame was there. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { monotonicMs } from './monotonic.ts';

export type WatcherQuestion =
  /** Opens a socket for each plan; answered when each was sent its first frame. */
  | { readonly ask: 'watch'; readonly url: string; readonly planIds: readonly string[] }
  /** Answered when so many messages came since the last time, or 10 s later. */
  | { readonly ask: 'frames'; readonly count: number };

/** Which messages came, and when ({@link monotonicMs}). */
export interface WatcherAnswer {
  readonly messageIds: readonly string[];
  readonly times: Float64Array;
}

interface Frame {
  readonly type: string;
  readonly message_id: string;
}

const frames: { readonly at: number; readonly data: Buffer }[] = [];
const sockets: WebSocket[] = [];

async function watch(url: string, planIds: readonly string[]): Promise<void> {
  await Promise.all(
    planIds.map(async (planId, index) => {
      const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/api/v3/socket/${planId}?user_id=user-${index}`);
      sockets.push(socket);
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
    if (frame.type !== 'agent_message') continue;
    messageIds.push(frame.message_id);
    times.push(at);
  }
  return { messageIds, times: Float64Array.from(times) };
}

process.on('message', async (question: WatcherQuestion) => {
  if (question.ask === 'frames') process.send?.(await arrived(question.count));
  else {
    await watch(question.url, question.planIds);
    process.send?.({ messageIds: [], times: new Float64Array() });
  }
});
process.on('disconnect', () => {
  for (const socket of sockets) socket.terminate();
});
