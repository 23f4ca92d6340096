import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import type { LiveEvent } from '../../src/protocol/liveEvent.ts';
import { parseMessageBytes } from '../../src/protocol/messageBytes.ts';
import { logStart } from '../../src/store/messageLog.ts';
import { eventually } from '../../src/testing/contract/availability.ts';
import { type Database, storesUnderTest } from '../storesUnderTest.ts';

describe.each(storesUnderTest)('With an agent in one process and a watcher in another, on $name,', ({ create }) => {
  let database: Database;
  let opened: Indelible[] = [];
  beforeEach(async () => {
    database = await create();
    opened = [];
  });
  afterEach(async () => {
    await Promise.all(opened.map((indelible) => indelible.close()));
    await database.drop();
  });

  async function process(): Promise<Indelible> {
    const indelible = new Indelible(await database.open());
    opened.push(indelible);
    return indelible;
  }

  /** What a watcher of the plan is given, in order: live events by their type, messages by their content. */
  async function watch({ feed }: Indelible) {
    const seen: string[] = [];
    const events: LiveEvent[] = [];
    await new Promise<void>((resolve) => {
      feed.subscribe('p', logStart, {
        messages: (messages) => void seen.push(...messages.map(({ body }) => parseMessageBytes(body).content)),
        live: (event) => {
          seen.push(event.type);
          events.push(event);
        },
        caughtUp: resolve,
      });
    });
    const text = () => events.map((event) => (event.type === 'agent_message_streaming' ? event.delta : '')).join('');
    return { seen, events, text };
  }

  async function write({ live }: Indelible, pieces: readonly string[]): Promise<void> {
    for (const piece of pieces) {
      live.streamDelta('p', 's', 'A', piece);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  const words = (count: number) => Array.from({ length: count }, (_, index) => `word${index} `);

  it('the watcher sees the answer grow, then end, then its message, once each', async () => {
    const [agent, server] = [await process(), await process()];
    const watched = await watch(server);
    await agent.save({ planId: 'p', agentName: 'A', content: 'hello' });
    await eventually('it is connected', () => watched.seen.includes('hello'));
    agent.live.streamStarted('p', 's', 'A');
    const pieces = words(60);
    await write(agent, pieces);
    const text = pieces.join('');
    await eventually('all of the text is there', () => watched.text() === text);
    expect(watched.events.filter(({ type }) => type === 'agent_message_streaming').length).toBeGreaterThan(1);
    agent.live.streamEnded('p', 's', 'A', text);
    await agent.save({ planId: 'p', messageId: 's', agentName: 'A', content: text });
    await eventually('the message is there', () => watched.seen.includes(text));
    await eventually('the draft is removed', async () => (await agent.store.drafts.abandoned('9', 1)).length === 0);
    await new Promise((resolve) => setTimeout(resolve, 400));
    const what = watched.seen.filter((one, index) => one !== watched.seen[index - 1]);
    expect(what).toEqual(['hello', 'agent_stream_start', 'agent_message_streaming', 'agent_stream_end', text]);
    expect(watched.events.at(-1)).toMatchObject({ type: 'agent_stream_end', text, streamId: 's', agentName: 'A' });
  });

  it('a page loaded in the middle is given the text so far by any process, and only what comes after it live', async () => {
    const [agent, server] = [await process(), await process()];
    agent.live.streamStarted('p', 's', 'A');
    const first = words(20);
    await write(agent, first);
    await eventually('the text so far is there', async () => {
      const [draft] = await server.feed.drafts('p');
      return draft?.text === first.join('');
    });
    const watched = await watch(server);
    await eventually('the draft is known', async () => (await server.feed.drafts('p')).length === 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await write(agent, ['and ', 'more']);
    await eventually('what comes is live', () => watched.text().endsWith('more'));
    expect(watched.text()).toBe('and more');
    expect(watched.seen).not.toContain('agent_stream_start');
    expect((await server.feed.drafts('p')).map(({ text }) => text)).toEqual([`${first.join('')}and more`]);
    await agent.save({ planId: 'p', messageId: 's', agentName: 'A', content: 'done' });
    await eventually('the message is there', () => watched.seen.includes('done'));
    expect(watched.seen.at(-2)).toBe('agent_stream_end');
    expect(await server.feed.drafts('p')).toEqual([]);
    expect(await agent.feed.drafts('p')).toEqual([]);
  });

  it('an answer that was given up ends there too, without a message', async () => {
    const [agent, server] = [await process(), await process()];
    const watched = await watch(server);
    agent.live.streamStarted('p', 's', 'A');
    agent.live.streamDelta('p', 's', 'A', 'never mind');
    await eventually('it is there', async () => {
      await agent.save({ planId: 'p', agentName: 'A', content: 'more' });
      return watched.text() === 'never mind';
    });
    await agent.store.drafts.remove([{ planId: 'p', draftId: 's' }]);
    await eventually('it ends', async () => {
      await agent.save({ planId: 'p', agentName: 'A', content: 'more' });
      await agent.store.drafts.put([
        { planId: 'p', draftId: 'other', agentName: 'A', text: 'x', updatedAt: '2026-11-25T10:00:00.000Z', owner: 'o' },
      ]);
      return watched.seen.includes('agent_stream_end');
    });
    expect(watched.events.find(({ type }) => type === 'agent_stream_end')).toMatchObject({ text: 'never mind' });
  });

  it('the watcher of the agent’s own process is shown each token once, whatever comes back as a hint', async () => {
    const agent = await process();
    const watched = await watch(agent);
    agent.live.streamStarted('p', 's', 'A');
    const pieces = words(60);
    await write(agent, pieces);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const text = pieces.join('');
    agent.live.streamEnded('p', 's', 'A', text);
    await agent.save({ planId: 'p', messageId: 's', agentName: 'A', content: text });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(watched.text()).toBe(text);
    expect(watched.seen.filter((one) => one !== 'agent_message_streaming')).toEqual([
      'agent_stream_start',
      'agent_stream_end',
      text,
    ]);
  });

  it('how far a user has read is told to watchers in every process, once', async () => {
    const [one, other] = [await process(), await process()];
    await one.persistence.saveMessagesBatch(
      Array.from({ length: 5 }, (_, index) => ({ planId: 'p', agentName: 'A', content: `${index}` })),
    );
    const watchers = [await watch(one), await watch(other)];
    await eventually('both are connected', async () => {
      await one.markRead('warm-up', 'p', 1);
      return watchers.every(({ events }) => events.length > 0);
    });
    expect(await one.markRead('ann', 'p', 3)).toBe(3);
    expect(await one.markRead('ann', 'p', 2)).toBe(3);
    expect(await one.markRead('bob', 'p', 9)).toBe(5);
    const positions = (events: readonly LiveEvent[]) =>
      events.flatMap((event) =>
        event.type === 'read_position' && event.userId !== 'warm-up' ? [`${event.userId} ${event.sequence}`] : [],
      );
    await eventually('both are told', () => watchers.every(({ events }) => positions(events).length >= 2));
    await new Promise((resolve) => setTimeout(resolve, 400));
    for (const { events } of watchers) expect(positions(events).toSorted()).toEqual(['ann 3', 'bob 5']);
  });
});
