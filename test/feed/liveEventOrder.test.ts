import { expect, it } from 'vitest';
import { Feed } from '../../src/feed/feed.ts';
import type { LiveEvent } from '../../src/protocol/liveEvent.ts';
import { prepareMessage } from '../../src/protocol/message.ts';
import { parseMessageBytes } from '../../src/protocol/messageBytes.ts';
import { logStart } from '../../src/store/messageLog.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';

const planId = 'plan';
const shown = { planId, timestamp: '', streamId: 'stream', agentName: 'agent' } as const;
const start: LiveEvent = { ...shown, type: 'agent_stream_start' };
const end = (text: string): LiveEvent => ({ ...shown, type: 'agent_stream_end', text });
const say = (content: string) => prepareMessage({ planId, agentName: 'agent', content }, { now: () => 0 });

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Takes messages one page at a time: the next when `ready` is called. `seen`: what it was given, live events as `name` has them. */
async function busyWatcher(name: (event: LiveEvent) => string) {
  const store = openSqliteStore(':memory:');
  const feed = new Feed({ log: store.log });
  const seen: string[] = [];
  let ready = () => {};
  feed.subscribe(planId, logStart, {
    messages: (messages) => {
      seen.push(...messages.map(({ body }) => parseMessageBytes(body).content));
      return new Promise<void>((resolve) => {
        ready = resolve;
      });
    },
    live: (event) => void seen.push(name(event)),
  });
  await settle();
  return { store, feed, seen, ready: () => ready() };
}

it('a watcher that was busy is given live events in their order among the messages', async () => {
  const { store, feed, seen, ready } = await busyWatcher(({ type }) => type);
  await store.log.append([say('first')]);
  feed.publish(start);
  feed.publish(end('second'));
  await store.log.append([say('second'), say('third')]);
  feed.publish(start);
  await store.log.append([say('fourth')]);
  feed.publish(end('fifth'));
  for (let times = 0; times < 6; times++) {
    await settle();
    ready();
  }
  await settle();
  expect(seen).toEqual([
    'first',
    'agent_stream_start',
    'agent_stream_end',
    'second',
    'third',
    'agent_stream_start',
    'fourth',
    'agent_stream_end',
  ]);
  feed.close();
  await store.close();
});

it('a watcher that was busy is not shown as spooled what it is given as stored (a commit whose answer was lost)', async () => {
  const { store, feed, seen, ready } = await busyWatcher((event) =>
    event.type === 'message_spooled' ? `spooled ${parseMessageBytes(event.message.body).content}` : event.type,
  );
  const spooled = (message: ReturnType<typeof say>): LiveEvent => ({
    type: 'message_spooled',
    planId,
    timestamp: '',
    message,
  });
  await store.log.append([say('first')]);
  const [second, third] = [say('second'), say('third')];
  await store.log.append([second]);
  feed.publish(spooled(second));
  feed.publish(spooled(third));
  for (let times = 0; times < 4; times++) {
    await settle();
    ready();
  }
  await settle();
  expect(seen).toEqual(['first', 'second', 'spooled third']);
  feed.close();
  await store.close();
});
