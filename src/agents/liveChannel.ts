import type { Feed } from '../feed/feed.ts';
import type { Clock } from '../resilience/clock.ts';
import type { LiveChannel } from './agentLog.ts';

/** The live channel of a feed. */
export function liveChannel(feed: Pick<Feed, 'publish'>, clock: Clock): LiveChannel {
  const timestamp = () => new Date(clock.now()).toISOString();
  return {
    streamStarted(planId, streamId, agentName) {
      feed.publish({ type: 'agent_stream_start', planId, timestamp: timestamp(), streamId, agentName });
    },
    streamDelta(planId, streamId, agentName, delta) {
      feed.publish({ type: 'agent_message_streaming', planId, timestamp: timestamp(), streamId, agentName, delta });
    },
    streamEnded(planId, streamId, agentName, text) {
      feed.publish({ type: 'agent_stream_end', planId, timestamp: timestamp(), streamId, agentName, text });
    },
  };
}
