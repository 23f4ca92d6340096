import type { Feed } from '../feed/feed.ts';
import type { DraftWriter } from '../persistence/draftWriter.ts';
import type { LiveEvent } from '../protocol/liveEvent.ts';
import type { Clock } from '../resilience/clock.ts';
import type { LiveChannel } from './agentLog.ts';

/** Shows answers to whoever watches, and has the text so far written down. */
export function liveChannel(
  feed: Pick<Feed, 'publish'>,
  drafts: Pick<DraftWriter, 'follow'>,
  clock: Clock,
): LiveChannel {
  const timestamp = () => new Date(clock.now()).toISOString();
  const tell = (event: LiveEvent) => {
    drafts.follow(event);
    feed.publish(event);
  };
  return {
    streamStarted(planId, streamId, agentName) {
      tell({ type: 'agent_stream_start', planId, timestamp: timestamp(), streamId, agentName });
    },
    streamDelta(planId, streamId, agentName, delta) {
      tell({ type: 'agent_message_streaming', planId, timestamp: timestamp(), streamId, agentName, delta });
    },
    streamEnded(planId, streamId, agentName, text) {
      tell({ type: 'agent_stream_end', planId, timestamp: timestamp(), streamId, agentName, text });
    },
  };
}
