import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import { DraftRecovery } from '../../src/persistence/draftRecovery.ts';
import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import type { OwnedDraft } from '../../src/store/draftRecords.ts';
import { readAll } from '../../src/store/readAll.ts';
import type { Store } from '../../src/store/store.ts';
import { Faults } from '../../src/testing/faults.ts';
import { withFaults } from '../../src/testing/faultyStore.ts';
import { ManualClock } from '../../src/testing/manualClock.ts';
import { type Database, storesUnderTest } from '../storesUnderTest.ts';

const start = Date.parse('2026-11-25T10:00:00.000Z');

describe.each(storesUnderTest)('A draft whose writer died, on $name,', ({ create }) => {
  let database: Database;
  let store: Store;
  beforeEach(async () => {
    database = await create();
    store = await database.open();
  });
  afterEach(() => database.drop());

  function process(on: Store = store, startedAt = start) {
    const clock = new ManualClock(startedAt);
    const indelible = new Indelible(on, {});
    const save = indelible.persistence.save.bind(indelible.persistence);
    const recovery = new DraftRecovery({ drafts: on.drafts, save, clock, observe: () => {}, random: () => 0.5 });
    /** Looks every 15 s, so often. */
    const look = async (times: number) => {
      let recovered = 0;
      for (let time = 0; time < times; time++) {
        clock.advance(15_000);
        recovered += await recovery.look();
      }
      return recovered;
    };
    return { clock, indelible, recovery, look };
  }

  const put = (text: string, fields: Partial<OwnedDraft> = {}) =>
    store.drafts.put([
      {
        planId: 'p',
        draftId: 'd',
        agentName: 'A',
        owner: 'dead',
        updatedAt: '2026-11-25T10:00:00.000Z',
        text,
        ...fields,
      },
    ]);

  async function messages() {
    const all = await Array.fromAsync(readAll(store.log, 'p'), (message) => toAgentMessage(message));
    return all.map(({ messageId, agentName, content, metadata, timestamp }) => {
      return { messageId, agentName, content, metadata, timestamp };
    });
  }

  it('becomes a message under its id, marked as interrupted, and the draft is gone', async () => {
    await put('The train takes thr');
    expect(await process().look(4)).toBe(1);
    expect(await messages()).toEqual([
      {
        messageId: 'd',
        agentName: 'A',
        content: 'The train takes thr',
        metadata: { interrupted: true },
        timestamp: '2026-11-25T10:00:00.000Z',
      },
    ]);
    expect(await store.drafts.abandoned('9', 10)).toEqual([]);
  });

  it('is left alone for 30 s, and as long as somebody touches it or writes on', async () => {
    const { clock, look } = process();
    await put('alive');
    expect(await look(2)).toBe(0);
    for (let time = 0; time < 10; time++) {
      const now = new Date(clock.now()).toISOString();
      if (time % 2 === 0) await store.drafts.touch('dead', now);
      else await put(`alive ${time}`, { updatedAt: now });
      expect(await look(1)).toBe(0);
    }
    expect(await messages()).toEqual([]);
  });

  it('is not taken for dead by a process whose clock is an hour ahead, as long as it is touched (P17)', async () => {
    const { look } = process(store, start + 3_600_000);
    for (let time = 0; time < 10; time++) {
      await put('alive', { updatedAt: new Date(start + time * 15_000).toISOString() });
      expect(await look(1)).toBe(0);
    }
    expect(await look(2)).toBe(1);
  });

  it('is not taken for dead right behind an outage in which its owner could not touch it either', async () => {
    const faults = new Faults();
    const { clock, recovery } = process(withFaults(store, faults).store);
    await put('alive');
    faults.refuse();
    clock.advance(300_000);
    await expect(recovery.look()).rejects.toMatchObject({ code: 'store_unavailable' });
    faults.heal();
    expect(await recovery.look()).toBe(0);
    await store.drafts.touch('dead', new Date(clock.now()).toISOString());
    clock.advance(15_000);
    expect(await recovery.look()).toBe(0);
  });

  it('becomes one message, whichever processes find it at the same time', async () => {
    const processes = [process(), process(await database.open()), process(await database.open())];
    await put('so far');
    await Promise.all(processes.map(({ look }) => look(2)));
    const recovered = await Promise.all(processes.map(({ look }) => look(2).catch(() => 0)));
    for (const { look } of processes) await look(2);
    expect(recovered.length).toBe(3);
    expect((await messages()).map(({ content }) => content)).toEqual(['so far']);
    expect(await store.drafts.abandoned('9', 10)).toEqual([]);
  });

  it('is only removed if its message is there: a crash between the two shows the message alone', async () => {
    const { indelible, look } = process();
    await put('The whole');
    await indelible.save({ planId: 'p', messageId: 'd', agentName: 'A', content: 'The whole answer' });
    expect(await store.drafts.ofPlans(['p'])).toEqual([]);
    expect(await look(5)).toBe(0);
    expect((await messages()).map(({ content, metadata }) => [content, metadata])).toEqual([['The whole answer', {}]]);
    expect(await store.drafts.abandoned('9', 10)).toEqual([]);
  });

  it('stays where it is while its message cannot be stored, and is recovered later', async () => {
    const faults = new Faults();
    const { look } = process(withFaults(store, faults).store);
    await put('so far');
    await look(2);
    faults.poison('d');
    expect(await look(3)).toBe(0);
    expect((await store.drafts.ofPlans(['p'])).map(({ text }) => text)).toEqual(['so far']);
  });

  it('whose writer was only slow loses nothing: the whole answer takes the place of the part', async () => {
    const { indelible, look } = process();
    await put('The train');
    expect(await look(4)).toBe(1);
    const whole = { planId: 'p', messageId: 'd', agentName: 'A', content: 'The train takes three hours.' };
    expect(await indelible.save(whole)).toMatchObject({ status: 'stored', duplicate: false, message: { sequence: 1 } });
    expect(await indelible.save(whole)).toMatchObject({ status: 'stored', duplicate: true });
    const other = await indelible.save({ ...whole, content: 'something else' });
    expect(other).toMatchObject({ status: 'refused', error: { code: 'message_conflict' } });
    expect((await messages()).map(({ content, metadata }) => [content, metadata])).toEqual([[whole.content, {}]]);
  });
});
