import { describe, expect, it, onTestFinished } from 'vitest';
import { liveChannel } from '../../src/agents/liveChannel.ts';
import type { IndelibleEvent } from '../../src/observe/events.ts';
import { DraftWriter } from '../../src/persistence/draftWriter.ts';
import { IndelibleError } from '../../src/protocol/errors.ts';
import type { OwnedDraft } from '../../src/store/draftRecords.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { Faults } from '../../src/testing/faults.ts';
import { withFaults } from '../../src/testing/faultyStore.ts';
import { ManualClock } from '../../src/testing/manualClock.ts';

function writing() {
  const clock = new ManualClock(Date.parse('2026-11-25T10:00:00.000Z'));
  const faults = new Faults(clock);
  const { store } = withFaults(openSqliteStore(':memory:'), faults);
  onTestFinished(() => {
    faults.heal();
    return store.close();
  });
  const puts: (readonly OwnedDraft[])[] = [];
  const calls: string[] = [];
  const drafts = {
    ...store.drafts,
    put: (some: readonly OwnedDraft[]) => {
      puts.push(some);
      calls.push('put');
      return store.drafts.put(some);
    },
    remove: (...args: Parameters<typeof store.drafts.remove>) => {
      calls.push('remove');
      return store.drafts.remove(...args);
    },
    touch: (...args: Parameters<typeof store.drafts.touch>) => {
      calls.push('touch');
      return store.drafts.touch(...args);
    },
  };
  const events: IndelibleEvent[] = [];
  const writer = new DraftWriter({ drafts, clock, owner: 'me', observe: (event) => events.push(event) });
  const live = liveChannel({ publish: () => {} }, writer, clock);
  const stored = async (planId = 'p') => (await store.drafts.ofPlans([planId])).map(({ text }) => text);
  /** Lets time pass in small steps, and what it begins end. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 50) {
      clock.advance(Math.min(50, ms - passed));
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const happens = (event: Partial<IndelibleEvent>) => writer.observe(event as IndelibleEvent);
  const isStored = (messageId: string, planId = 'p') => happens({ type: 'message_stored', planId, messageId });
  return { clock, faults, store, puts, calls, events, writer, live, stored, pass, happens, isStored };
}

describe('An answer that is being written', () => {
  it('is in the store, all of it that is older than 250 ms, and is written no more often than that', async () => {
    const { live, stored, pass, puts } = writing();
    live.streamStarted('p', 's', 'A');
    let text = '';
    for (let step = 0; step < 100; step++) {
      const before = text;
      for (const piece of ['a', 'b', 'c']) {
        live.streamDelta('p', 's', 'A', piece);
        text += piece;
      }
      await pass(50);
      const [there = ''] = await stored();
      expect(text.startsWith(there)).toBe(true);
      // 250 ms are five steps of three characters.
      expect(there.length).toBeGreaterThanOrEqual(before.length - 5 * 3);
    }
    expect(puts.length).toBeLessThanOrEqual(5_000 / 250);
    expect(puts.every((put) => put.length === 1)).toBe(true);
  });

  it('shares its writes with those of all other plans', async () => {
    const { live, stored, pass, puts } = writing();
    for (let plan = 0; plan < 100; plan++) {
      live.streamStarted(`p${plan}`, 's', 'A');
      live.streamDelta(`p${plan}`, 's', 'A', `text ${plan}`);
    }
    await pass(250);
    expect(puts.map((put) => put.length)).toEqual([100]);
    expect(await stored('p99')).toEqual(['text 99']);
  });

  it('is removed after its message is stored, and not before', async () => {
    const { live, stored, pass, calls, isStored } = writing();
    live.streamStarted('p', 's', 'A');
    live.streamDelta('p', 's', 'A', 'all');
    await pass(250);
    live.streamEnded('p', 's', 'A', 'all');
    await pass(1_000);
    expect(await stored()).toEqual(['all']);
    isStored('s');
    await pass(250);
    expect(await stored()).toEqual([]);
    expect(calls).toEqual(['put', 'remove']);
  });

  it('that is short costs no write at all', async () => {
    const { live, pass, calls, isStored } = writing();
    live.streamStarted('p', 's', 'A');
    live.streamDelta('p', 's', 'A', 'all');
    await pass(100);
    live.streamEnded('p', 's', 'A', 'all');
    isStored('s');
    await pass(20_000);
    expect(calls).toEqual([]);
  });

  it('stays as long as its message waits for the database, however long that is', async () => {
    const { live, stored, pass, happens, isStored } = writing();
    live.streamStarted('p', 's', 'A');
    live.streamDelta('p', 's', 'A', 'all');
    await pass(250);
    live.streamEnded('p', 's', 'A', 'all');
    happens({ type: 'message_late', planId: 'p', messageId: 's', error: new IndelibleError('not_yet_stored') });
    await pass(60_000);
    expect(await stored()).toEqual(['all']);
    isStored('s');
    await pass(250);
    expect(await stored()).toEqual([]);
  });

  it('stays while its message waits on disk, or was set aside there', async () => {
    const { live, stored, pass, happens, isStored } = writing();
    for (const id of ['spooled', 'aside']) {
      live.streamStarted('p', id, 'A');
      live.streamDelta('p', id, 'A', id);
    }
    await pass(250);
    for (const id of ['spooled', 'aside']) live.streamEnded('p', id, 'A', id);
    happens({ type: 'message_spooled', planId: 'p', messageId: 'spooled', waitedMs: 0 });
    happens({ type: 'message_set_aside', planId: 'p', messageId: 'aside', error: new IndelibleError('store_refused') });
    await pass(60_000);
    expect(await stored()).toEqual(['spooled', 'aside']);
    isStored('spooled');
    await pass(250);
    expect(await stored()).toEqual(['aside']);
  });

  it('is given up 10 s after its end if nobody hands over its message, or when the message is refused', async () => {
    const { live, stored, pass, happens } = writing();
    for (const id of ['ended', 'refused', 'full']) {
      live.streamStarted('p', id, 'A');
      live.streamDelta('p', id, 'A', id);
    }
    await pass(250);
    for (const id of ['ended', 'refused', 'full']) live.streamEnded('p', id, 'A', id);
    const refused = { type: 'message_refused', planId: 'p' } as const;
    happens({ ...refused, messageId: 'refused', error: new IndelibleError('message_conflict') });
    happens({ ...refused, messageId: 'full', error: new IndelibleError('queue_full') });
    await pass(300);
    expect(await stored()).toEqual(['ended', 'full']);
    await pass(10_000);
    expect(await stored()).toEqual(['full']);
  });

  it('may be begun anew under its id: the row says what the new one says', async () => {
    const { live, stored, pass } = writing();
    for (const text of ['the first', 'second']) {
      live.streamStarted('p', 's', 'A');
      live.streamDelta('p', 's', 'A', text);
      await pass(250);
      expect(await stored()).toEqual([text]);
    }
    await pass(1_000);
    expect(await stored()).toEqual(['second']);
  });

  it('is touched every 10 s while nothing is written, and no more when it is over', async () => {
    const { live, store, clock, pass, isStored, calls } = writing();
    live.streamStarted('p', 's', 'A');
    live.streamDelta('p', 's', 'A', 'thinking …');
    await pass(120_000);
    const untouched = await store.drafts.abandoned(new Date(clock.now() - 11_000).toISOString(), 10);
    expect(untouched).toEqual([]);
    expect(calls.filter((call) => call === 'touch').length).toBeGreaterThanOrEqual(11);
    isStored('s');
    await pass(20_000);
    const before = calls.length;
    await pass(60_000);
    expect(calls.length).toBe(before);
  });
});

describe('While the database is away, a draft', () => {
  it('keeps only the newest text, is tried again ever later, and is there when the database is back', async () => {
    const { live, stored, pass, faults, puts, events } = writing();
    live.streamStarted('p', 's', 'A');
    live.streamDelta('p', 's', 'A', '0');
    await pass(250);
    faults.refuse();
    const before = puts.length;
    let text = '0';
    for (let second = 1; second <= 60; second++) {
      live.streamDelta('p', 's', 'A', ` ${second}`);
      text += ` ${second}`;
      await pass(1_000);
    }
    expect(puts.length - before).toBeLessThan(60);
    expect(puts.every((put) => put.length === 1)).toBe(true);
    expect(events.some(({ type }) => type === 'drafts_retried')).toBe(true);
    faults.heal();
    await pass(6_000);
    expect(await stored()).toEqual([text]);
  });

  it('that hangs there holds up no agent, and only one write waits', async () => {
    const { live, stored, pass, faults, puts } = writing();
    faults.hang();
    live.streamStarted('p', 's', 'A');
    for (let step = 0; step < 100; step++) {
      live.streamDelta('p', 's', 'A', 'x');
      await pass(100);
    }
    expect(puts.length).toBe(1);
    faults.heal();
    await pass(500);
    expect(await stored()).toEqual(['x'.repeat(100)]);
  });
});

describe('Drafts in memory are bounded', () => {
  it('to 1 MiB of characters each, of which the beginning stays, without a gap', async () => {
    const { live, stored, pass } = writing();
    live.streamStarted('p', 's', 'A');
    live.streamDelta('p', 's', 'A', 'a'.repeat(1024 * 1024 - 1));
    live.streamDelta('p', 's', 'A', 'bc');
    live.streamDelta('p', 's', 'A', 'd');
    await pass(250);
    expect(await stored()).toEqual([`${'a'.repeat(1024 * 1024 - 1)}b`]);
  });

  it('to 1,000, and to ids that a message can have', async () => {
    const { live, pass, puts } = writing();
    for (let plan = 0; plan < 1_200; plan++) {
      live.streamStarted(`p${plan}`, plan % 12 === 0 ? 'no/id' : 's', 'A');
      live.streamDelta(`p${plan}`, plan % 12 === 0 ? 'no/id' : 's', 'A', 'x');
    }
    await pass(250);
    const written = puts.flat();
    expect(written.length).toBe(1_000);
    expect(written.every(({ draftId }) => draftId === 's')).toBe(true);
  });
});

it('closing writes the newest text of open drafts, and removes those that were given up', async () => {
  const { live, stored, pass, writer } = writing();
  live.streamStarted('p', 'open', 'A');
  live.streamStarted('p', 'ended', 'A');
  live.streamDelta('p', 'ended', 'A', 'ended');
  await pass(250);
  live.streamEnded('p', 'ended', 'A', 'ended');
  live.streamDelta('p', 'open', 'A', 'so far');
  await writer.close(1_000);
  expect(await stored()).toEqual(['so far']);
});
