import { describe, expect, it } from 'vitest';
import { Feed } from '../../src/feed/feed.ts';
import type { StoredMessage } from '../../src/protocol/message.ts';
import type { LogPosition, MessageLog } from '../../src/store/messageLog.ts';
import { eventually } from '../../src/testing/contract/availability.ts';
import { asStored, oneTo, sample } from '../../src/testing/contract/sampleMessages.ts';
import { ManualClock } from '../../src/testing/manualClock.ts';

describe('P19: a log that is replaced', () => {
  it('resets also the watcher that came, with a place in the old one, just while it was being noticed', async () => {
    const log = new ReplaceableLog();
    const clock = new ManualClock();
    const feed = new Feed({ log, clock });
    const first = watch(feed, { sequence: 0, revision: 0 });
    await eventually('the first watcher has seen all', () => first.seen.length === 20);
    const answerHeads = log.holdHeads();
    clock.advance(1_500);
    log.replace('other');
    const second = watch(feed, { sequence: 10, revision: 0 });
    answerHeads();
    await eventually('both are reset', () => first.resets === 1 && second.resets === 1);
    clock.advance(1_500);
    await eventually('both have seen the other log', () => [first, second].every(({ seen }) => seen.length === 20));
    for (const { seen } of [first, second]) expect(seen).toEqual(oneTo(20).map((number) => `other${number}`));
    expect([first.resets, second.resets]).toEqual([1, 1]);
    feed.close();
  });

  it.each([
    ['with another epoch', 'other'],
    ['with the same epoch, and shorter', 'first'],
  ])('%s resets a watcher once, however many looks are under way', async (_, name) => {
    const log = new ReplaceableLog();
    const clock = new ManualClock();
    const feed = new Feed({ log, clock });
    const watcher = watch(feed, { sequence: 0, revision: 0 });
    await eventually('the watcher has seen all', () => watcher.seen.length === 20);
    const answerHeads = log.holdHeads();
    clock.advance(1_500);
    clock.advance(1_500);
    clock.advance(1_500);
    log.replace(name, 5);
    answerHeads();
    await eventually('it has seen the other log', () => watcher.seen.length === 5);
    clock.advance(1_500);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(watcher.resets).toBe(1);
    feed.close();
  });
});

function watch(feed: Feed, after: LogPosition) {
  const watching = { seen: [] as string[], resets: 0 };
  feed.subscribe('plan', after, {
    messages(messages) {
      watching.seen.push(...messages.map(({ messageId }) => messageId));
    },
    reset() {
      watching.resets++;
      watching.seen = [];
    },
  });
  return watching;
}

/** A log of one plan that can be replaced by another one, which is noticed, as by any store, with the next `heads`. */
class ReplaceableLog implements MessageLog {
  epoch = 'first';
  #messages = history('first', 20);
  #now = 'first';
  #held: Promise<void> = Promise.resolve();

  replace(name: string, count = 20): void {
    this.#now = name;
    this.#messages = history(name, count);
  }

  /** Calls of `heads` wait until the answer is called. */
  holdHeads(): () => void {
    let release = () => {};
    this.#held = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  async heads(): Promise<ReadonlyMap<string, LogPosition>> {
    await this.#held;
    this.epoch = this.#now;
    return new Map([['plan', { sequence: this.#messages.length, revision: 0 }]]);
  }

  async read(_planId: string, after: LogPosition, limit: number) {
    const messages = this.#messages.slice(after.sequence, after.sequence + limit);
    const sequence = messages.at(-1)?.sequence ?? after.sequence;
    return { messages, updates: [], position: { ...after, sequence }, more: false, trimmed: 0 };
  }

  onCommit(): () => void {
    return () => {};
  }

  append = never;
  update = never;
  find = never;
  trim = never;
}

function never(): Promise<never> {
  throw new Error('nobody writes here');
}

function history(name: string, count: number): StoredMessage[] {
  return oneTo(count).map((number) => asStored(sample(`${name}${number}`), number));
}
