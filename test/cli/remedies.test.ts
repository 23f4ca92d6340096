import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asJson } from '../../src/cli/failure.ts';
import { type ErrorCode, errorTable, IndelibleError } from '../../src/protocol/errors.ts';
import { indelible } from './commandLine.ts';
import { withPlan, workplace } from './workplace.ts';

describe('what a failed command advises', { timeout: 60_000 }, () => {
  const codes = Object.keys(errorTable) as ErrorCode[];

  it.each(codes.filter((code) => errorTable[code].remedy.includes('`cause`')))(
    'speaks of a cause only where one is shown: %s',
    (code) => {
      const cause = new Error('the reason');
      const told = asJson(new IndelibleError(code, { message: 'failed: the reason', cause }));
      expect(told).toMatchObject({ cause: 'the reason', remedy: errorTable[code].remedy });
      const bare = asJson(new IndelibleError(code));
      expect(bare).not.toHaveProperty('cause');
      expect(bare['remedy'] ?? '').not.toContain('cause');
      expect(bare['remedy'] ?? 'none.').toMatch(/\.$/);
    },
  );

  it('shows the cause that the advice refers to', async () => {
    const { stderr } = await indelible(['run', 'Hi', '--team', './nowhere.js'], { cwd: workplace() });
    expect(stderr).toMatch(/^error: \.\/nowhere\.js.*\ncause: ENOENT.*\nremedy: `cause` says which\./);
  });

  it.each([
    [['replay', 'nope.jsonl'], /^remedy: Check the path of the file/m],
    [['list', '--store', 'sqlite:./none.db'], /^remedy: Check the path, /m],
    [['list', '--limit', 'many'], /^remedy: `indelible list --help` lists/m],
    [['serve', '--prot', '1'], /^remedy: `indelible serve --help` lists/m],
    [['frob'], /^remedy: `indelible --help` lists/m],
  ])('fits the command that was given: %j', async (args, remedy) => {
    const { code, stderr } = await indelible(args, { cwd: workplace() });
    expect(code).toBe(2);
    expect(stderr).toMatch(remedy);
  });

  it('of a variable is the help that tells of variables', async () => {
    const env = { INDELIBLE_STORE: 'nonsense' };
    const { stderr } = await indelible(['list'], { cwd: workplace(), env });
    expect(stderr).toContain('remedy: `indelible --help` lists options, variables and their forms.');
  });
});

describe('a place where no database can be', { timeout: 60_000 }, () => {
  it.each([['list'], ['serve', '--port', '0'], ['run', 'Hi']])('is told: a directory, to %s', async (...args) => {
    const folder = workplace();
    const { code, stderr } = await indelible([...args, '--store', 'sqlite:.'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain('error: --store: . is a directory');
    expect(stderr).toContain('remedy: Give the path of a file');
  });

  it('is told: a path through a file', async () => {
    const folder = workplace();
    writeFileSync(join(folder, 'file'), '');
    const { code, stderr } = await indelible(['run', 'Hi', '--store', 'sqlite:./file/a.db'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain(`${join(folder, 'file')} is not a directory`);
  });

  it('is told: one that this user may not write', async () => {
    const folder = workplace();
    await withPlan(folder);
    mkdirSync(join(folder, 'closed'));
    chmodSync(folder, 0o755);
    chmodSync(join(folder, 'indelible.db'), 0o444);
    chmodSync(join(folder, 'closed'), 0o555);
    // Root may write everywhere, so it becomes somebody else first.
    const nobody = 'if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }';
    const NODE_OPTIONS = `${process.env['NODE_OPTIONS'] ?? ''} --import data:text/javascript,${encodeURIComponent(nobody)}`;
    const call = { cwd: folder, env: { NODE_OPTIONS } };
    const file = await indelible(['list'], call);
    expect(file.stderr).toContain('error: INDELIBLE_STORE: ./indelible.db is not writable');
    const directory = await indelible(['run', 'Hi', '--store', 'sqlite:./closed/a/b.db'], call);
    expect(directory.stderr).toMatch(/^error: --store: the directory \S+closed is not writable$/m);
    for (const { code, stderr } of [file, directory]) {
      expect(code).toBe(1);
      expect(stderr).toContain('remedy: Let this user write the file and its directory');
    }
  });
});

describe('a team that is not there', { timeout: 60_000 }, () => {
  it.each([[['run', 'Hi']], [['serve', '--port', '0']]])('is told as what it is, to %j', async (args) => {
    const folder = workplace();
    const openai = await indelible([...args, '--team', 'openai'], { cwd: folder });
    expect(openai).toMatchObject({ code: 2, stdout: '' });
    expect(openai.stderr).toContain('error: the team openai needs INDELIBLE_MODEL');
    const unknown = await indelible([...args, '--team', 'nope'], { cwd: folder });
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toMatch(
      /error: there is no team nope; there are demo and demo-approval\nremedy: .* \.\/nope\.js\n/,
    );
  });
});

describe('the help', { timeout: 30_000 }, () => {
  it('fits into 80 columns', async () => {
    const { stdout } = await indelible(['--help'], { cwd: workplace() });
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('of tail says which plans never end', async () => {
    const { stdout } = await indelible(['tail', '--help'], { cwd: workplace() });
    expect(stdout).toMatch(/never ends by itself/);
  });
});
