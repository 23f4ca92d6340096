import { prepareMessage } from 'indelible/protocol';
import { describe, expect, it } from 'vitest';
import { safeJson } from '../../src/cli/terminalText.ts';
import { indelible } from './commandLine.ts';
import { inDatabase, withPlan, workplace } from './workplace.ts';

const hostile = '\u009b2J \u0085 \u007f \u2028\u2029 \u202a\u202e \u2066\u2069 \\\u009b é 🙂';
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const obeyed = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

describe('JSON on a terminal', { timeout: 30_000 }, () => {
  it('holds nothing that a terminal obeys, and is the same value', () => {
    const json = JSON.stringify({ [hostile]: [hostile, '\\\\', '\n'] });
    expect(safeJson(json)).not.toMatch(obeyed);
    expect(JSON.parse(safeJson(json))).toEqual(JSON.parse(json));
    expect(safeJson(json)).toContain('é 🙂');
  });

  it.each([['tail', 'a-plan'], ['show', 'a-plan'], ['list']])('%s --json prints such', async (...args) => {
    const folder = workplace();
    await withPlan(folder);
    await inDatabase(folder, async ({ log, plans }) => {
      const message = { planId: 'a-plan', messageId: 'm', agentName: 'A', content: hostile, metadata: { hostile } };
      await log.append([prepareMessage(message, { now: Date.now })]);
      const members = { sessionId: 's', userId: 'u', teamId: 't', description: hostile } as const;
      await plans.create({ planId: 'b', ...members, status: 'completed', createdAt: '2026-11-23T12:00:00.000Z' });
    });
    const { code, stdout } = await indelible([...args, '--json'], { cwd: folder });
    expect(code).toBe(0);
    expect(stdout).not.toMatch(obeyed);
    const read = JSON.parse(stdout);
    const text = args[0] === 'list' ? read[0].description : (read.messages?.[0] ?? read).content;
    expect(text).toBe(hostile);
  });

  it('so does run, of what its agents say, and of errors', async () => {
    const folder = workplace();
    const ran = await indelible(['run', '--json', `Say ${hostile}`], { cwd: folder });
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout).toContain('\\u009b2J');
    expect(ran.stdout).not.toMatch(obeyed);
    const failed = await indelible(['show', '--json', `no\u202eplan`], { cwd: folder });
    expect(failed.code).toBe(1);
    expect(failed.stderr).not.toMatch(obeyed);
    expect(JSON.parse(failed.stderr).error.message).toContain('no\u202eplan');
  });
});
