import { describe, expect, it, onTestFinished } from 'vitest';
import { firstBadSchedule } from '../feed/schedules.ts';
import { expectBoundedMemory } from '../live/pausedClients.ts';
import { reconnectWhileWriting } from '../live/reconnects.ts';
import { storesUnderTest } from '../storesUnderTest.ts';

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9));

describe('P8, for long', () => {
  it('10,000 schedules of commits, edits, trims, hints and broken connections', async () => {
    for (let round = 0; round < 10; round++) {
      expect(await firstBadSchedule({ runs: 1_000, seed: seed + round }), `SEED=${seed}, ${round}`).toBeUndefined();
    }
  });

  it.each(storesUnderTest)('500 broken connections while another instance writes, on $name', async (store) => {
    const database = await store.create();
    onTestFinished(() => database.drop());
    const [writer, serving] = [await database.open(), await database.open()];
    expect(await reconnectWhileWriting({ writer, serving, reconnects: 500, seed }), `SEED=${seed}`).toEqual([]);
  });
});

describe('P13, in full', () => {
  it('50 paused clients of 80 MB each cost bounded memory, hold up nobody, and miss no message', async () => {
    await expectBoundedMemory(50, 1_600);
  });
});
