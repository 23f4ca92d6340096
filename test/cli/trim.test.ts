import { prepareMessage } from 'indelible/protocol';
import { describe, expect, it } from 'vitest';
import { logStart } from '../../src/store/messageLog.ts';
import { indelible } from './commandLine.ts';
import { inDatabase, withPlan, workplace } from './workplace.ts';

async function withMessages(count: number): Promise<string> {
  const folder = workplace();
  await withPlan(folder, 'p');
  const batch = Array.from({ length: count }, (_, index) =>
    prepareMessage({ planId: 'p', messageId: `m${index + 1}`, agentName: 'A', content: 'x' }, { now: () => 0 }),
  );
  await inDatabase(folder, ({ log }) => log.append(batch));
  return folder;
}

function left(folder: string): Promise<number[]> {
  return inDatabase(folder, async ({ log }) => {
    const { messages } = await log.read('p', logStart, 100);
    return messages.map(({ sequence }) => sequence);
  });
}

describe('indelible trim', () => {
  it('removes the oldest messages, up to a number or all but the newest, and says what is left', async () => {
    const folder = await withMessages(10);
    const first = await indelible(['trim', 'p', '--up-to', '3', '--yes'], { cwd: folder });
    expect(first).toMatchObject({ code: 0, stdout: 'Removed 3 messages of p; 7 messages left, from number 4 on.\n' });
    expect(await left(folder)).toEqual([4, 5, 6, 7, 8, 9, 10]);
    const second = await indelible(['trim', 'p', '--keep', '2', '--yes', '--json'], { cwd: folder });
    expect(JSON.parse(second.stdout)).toEqual({ plan_id: 'p', removed: 5, trimmed: 8, kept: 2 });
    expect(await left(folder)).toEqual([9, 10]);
    const shown = await indelible(['show', 'p', '--json'], { cwd: folder });
    expect(JSON.parse(shown.stdout)).toMatchObject({ plan: { message_count: 2 }, messages: [{}, {}] });
  });

  it('removes nothing where nobody can be asked and --yes is not given, or where nothing is to go', async () => {
    const folder = await withMessages(4);
    const unasked = await indelible(['trim', 'p', '--keep', '1'], { cwd: folder });
    expect(unasked.code).toBe(2);
    expect(unasked.stderr).toContain('Remove 3 messages of p, up to number 3, for good?');
    expect(unasked.stderr).toContain('--yes');
    expect(await left(folder)).toEqual([1, 2, 3, 4]);
    expect(await indelible(['trim', 'p', '--keep', '4'], { cwd: folder })).toMatchObject({ code: 0 });
    expect(await left(folder)).toEqual([1, 2, 3, 4]);
  });

  it.each([
    [['trim', 'p'], 2],
    [['trim', 'p', '--keep', '1', '--up-to', '1'], 2],
    [['trim', 'p', '--keep', '-1'], 2],
    [['trim', 'p', '--up-to', '0'], 2],
    [['trim', 'unknown', '--keep', '0', '--yes'], 1],
  ])('refuses %j', async (args, code) => {
    const folder = await withMessages(2);
    expect((await indelible(args, { cwd: folder })).code).toBe(code);
    expect(await left(folder)).toEqual([1, 2]);
  });
});
