import { describe, expect, it } from 'vitest';
import { CommandLine, indelible } from './commandLine.ts';
import { getPlan, serveProcess } from './server.ts';
import { readTranscriptFile, writeTranscripts } from './transcriptFile.ts';
import { workplace } from './workplace.ts';

describe('list and show', { timeout: 30_000 }, () => {
  it('list the plans, newest first, for people and for scripts', async () => {
    const { folder, runs } = await replayed(3);
    const table = await indelible(['list'], { cwd: folder });
    const [head, ...lines] = table.stdout.trimEnd().split('\n');
    expect(head).toMatch(/^PLAN +STATUS +MESSAGES +CREATED \(UTC\) +DESCRIPTION$/);
    expect(lines).toHaveLength(3);
    const listed = JSON.parse((await indelible(['list', '--json'], { cwd: folder })).stdout);
    expect(listed.map(({ plan_id }: { plan_id: string }) => plan_id).toSorted()).toEqual(runs.map(({ run }) => run));
    for (const { run, description, messages } of runs) {
      expect(listed).toContainEqual(
        expect.objectContaining({ plan_id: run, description, status: 'completed', message_count: messages.length }),
      );
      expect(table.stdout).toMatch(new RegExp(`^${run} +completed +${messages.length} `, 'm'));
    }
  });

  it('list as many as --limit says, and that there are more', async () => {
    const { folder } = await replayed(3);
    const { stdout, stderr } = await indelible(['list', '--limit', '2', '--json'], { cwd: folder });
    expect(JSON.parse(stdout)).toHaveLength(2);
    expect(stderr).toContain('There are more');
  });

  it('show a plan with every message, as GET answers it, while a server has the file open', async () => {
    const { folder, runs } = await replayed(1);
    const { url } = await serveProcess(folder);
    const { run } = runs[0] as { run: string };
    const shown = await indelible(['show', run, '--json'], { cwd: folder });
    const { plan, messages } = JSON.parse(shown.stdout);
    const answered = await getPlan(url, run);
    expect(messages).toEqual(answered.messages);
    expect(plan).toEqual({ ...answered.plan, message_count: messages.length });
  });

  it('show people every line of every message, none of which can do anything to the terminal', async () => {
    const { folder, runs } = await replayed(1, 60);
    const { run, messages } = runs[0] as (typeof runs)[number];
    const { code, stdout } = await indelible(['show', run], { cwd: folder });
    expect(code).toBe(0);
    expect(stdout.match(/^ +\d+ \S.* · \d\d:\d\d:\d\dZ$/gm)).toHaveLength(messages.length);
    expect(stdout).toContain('→ find({"q":"é\\n"})');
    expect(stdout).toContain('(no text)');
    expect(stdout).toContain('NUL ␀, half a pair \ufffd, \\u2028 and ␛[2J');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
  });

  it('end quietly when the reader of their output goes away', async () => {
    const { folder, runs } = await replayed(1, 400);
    const show = new CommandLine(['show', (runs[0] as { run: string }).run], { cwd: folder });
    await show.printed(/\n/);
    show.stopReading();
    expect(await show.ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('say that a plan is not there', async () => {
    const { folder } = await replayed(1);
    const inWords = await indelible(['show', 'nowhere'], { cwd: folder });
    expect(inWords).toMatchObject({ code: 1, stdout: '' });
    expect(inWords.stderr).toBe(
      'error: sqlite:./indelible.db holds no plan nowhere\n' +
        'remedy: Check the plan id; `indelible list` shows the plans of a store.\n' +
        'code: plan_not_found\n',
    );
    const asJson = await indelible(['show', 'nowhere', '--json'], { cwd: folder });
    expect(asJson).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(asJson.stderr)).toMatchObject({ error: { code: 'plan_not_found', field: 'plan' } });
  });

  it.each([['list'], ['show', 'a-plan'], ['tail', 'a-plan']])(
    '%s makes no database where there is none',
    async (...args) => {
      const folder = workplace();
      const { code, stderr } = await indelible(args, { cwd: folder });
      expect(code).toBe(2);
      expect(stderr).toContain('error: there is no database at ./indelible.db (INDELIBLE_STORE)');
      const again = await indelible([...args, '--store', 'sqlite:./other.db'], { cwd: folder });
      expect(again.stderr).toContain('error: there is no database at ./other.db (--store)');
    },
  );
});

async function replayed(plans: number, maxMessages = 6) {
  const folder = workplace();
  const path = writeTranscripts(folder, 31, plans, maxMessages);
  await indelible(['replay', path], { cwd: folder });
  return { folder, runs: readTranscriptFile(path) };
}
