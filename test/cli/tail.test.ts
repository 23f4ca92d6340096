import { prepareMessage } from 'indelible/protocol';
import { describe, expect, it } from 'vitest';
import { CommandLine, indelible } from './commandLine.ts';
import { inDatabase, withPlan, workplace } from './workplace.ts';

describe('tail', { timeout: 30_000 }, () => {
  it('shows what is there and then what comes from another process, in order, once, until the plan has ended', async () => {
    const folder = workplace();
    await withPlan(folder, 'a-plan', 'in_progress');
    await write(folder, 1, 300);
    const tail = new CommandLine(['tail', 'a-plan', '--json'], { cwd: folder });
    await tail.printed(/"content":"message 300"/);
    await write(folder, 301, 310);
    await tail.printed(/"content":"message 310"/);
    await inDatabase(folder, async (store) => {
      await append(store, 311);
      await store.plans.change('a-plan', { status: 'completed', updatedAt: new Date().toISOString() });
    });
    const { code, stdout, stderr } = await tail.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 311 }, (_, index) => index + 1));
  });

  it('shows an edit of a message as the message in its new version', async () => {
    const folder = workplace();
    await withPlan(folder, 'a-plan', 'in_progress');
    await write(folder, 1, 2);
    const tail = new CommandLine(['tail', 'a-plan'], { cwd: folder });
    await tail.printed(/message 2/);
    await inDatabase(folder, ({ log }) =>
      log.update(
        prepareMessage({ planId: 'a-plan', messageId: 'm-1', agentName: 'A', content: 'edited' }, { now: Date.now }),
        1,
      ),
    );
    await tail.printed(/ 1 A · \S+ · edited, version 2\n {5}edited\n/);
  });

  it('begins behind the message that --after names', async () => {
    const folder = workplace();
    await withPlan(folder);
    await write(folder, 1, 5);
    const { stdout } = await indelible(['tail', 'a-plan', '--after', '3', '--json'], { cwd: folder });
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).sequence),
    ).toEqual([4, 5]);
  });

  it('ends well on Ctrl-C', async () => {
    const folder = workplace();
    await withPlan(folder, 'a-plan', 'in_progress');
    await write(folder, 1, 1);
    const tail = new CommandLine(['tail', 'a-plan'], { cwd: folder });
    await tail.printed(/message 1/);
    expect(await tail.kill('SIGINT')).toMatchObject({ code: 0, stderr: '' });
  });

  it('ends quietly when nobody reads any more', async () => {
    const folder = workplace();
    await withPlan(folder, 'a-plan', 'in_progress');
    await write(folder, 1, 1);
    const tail = new CommandLine(['tail', 'a-plan'], { cwd: folder });
    await tail.printed(/message 1/);
    tail.stopReading();
    await write(folder, 2, 2);
    expect(await tail.ended).toMatchObject({ code: 0, stderr: '' });
  });

  it.each([
    [['tail', 'nowhere'], 1, 'holds no plan nowhere', 'plan_not_found'],
    [['tail', 'a/b'], 1, 'plan holds a control character or a slash', 'invalid_id'],
    [['tail', 'a-plan', '--after', '-1'], 2, '--after is "-1"', 'invalid_config'],
  ])('%j fails with %i: %s', async (args, exit, message, errorCode) => {
    const folder = workplace();
    await withPlan(folder);
    const { code, stderr } = await indelible(args, { cwd: folder });
    expect(code).toBe(exit);
    expect(stderr).toContain(`error: `);
    expect(stderr).toContain(message);
    expect(stderr).toContain(`code: ${errorCode}`);
  });
});

async function write(folder: string, from: number, to: number): Promise<void> {
  await inDatabase(folder, async (store) => {
    for (let place = from; place <= to; place++) await append(store, place);
  });
}

async function append({ log }: Parameters<Parameters<typeof inDatabase>[1]>[0], place: number): Promise<void> {
  const message = { planId: 'a-plan', messageId: `m-${place}`, agentName: 'A', content: `message ${place}` };
  await log.append([prepareMessage(message, { now: Date.now })]);
}
