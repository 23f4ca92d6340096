import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { CommandLine, indelible } from './commandLine.ts';
import { withPlan, workplace } from './workplace.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

describe('the command', { timeout: 30_000 }, () => {
  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await indelible(['--version'], { cwd: workplace() })).toMatchObject({
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
  });

  it.each([[[]], [['serve']], [['run']], [['replay']], [['tail']], [['list']], [['show']]])(
    '%j --help goes to stdout, with examples',
    async (args) => {
      const { code, stdout, stderr } = await indelible([...args, '--help'], { cwd: workplace() });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^Usage: indelible /);
      expect(stdout).toMatch(/^Examples:\n {2}\$ indelible /m);
    },
  );

  it('names every command and every variable of its environment in its help', async () => {
    const { stdout } = await indelible(['--help'], { cwd: workplace() });
    for (const name of ['serve', 'run', 'replay', 'tail', 'list', 'show'])
      expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    for (const name of ['HOST', 'PORT', 'INDELIBLE_STORE']) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
  });

  it('without a command prints its help to stderr, as a usage error', async () => {
    const { code, stdout, stderr } = await indelible([], { cwd: workplace() });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: indelible/);
  });

  it.each([
    [['frob'], "unknown command 'frob'"],
    [['serve', '--prot', '1'], "unknown option '--prot' (Did you mean --port?)"],
    [['list', '--limit'], "option '--limit <n>' argument missing"],
    [['list', '--limit', 'many'], '--limit is "many"'],
    [['replay', 'file', '--speed', 'fast'], '--speed is "fast"'],
    [['replay', 'file', '--concurrency', '0'], '--concurrency is "0"'],
    [['replay', 'file', '--to', 'ftp://a'], '--to must be "store", or the address of a server'],
    [['replay', './no-such-file'], 'cannot read ./no-such-file'],
    [['list', '--store', 'indelible.db'], '--store '],
  ])('%j is a usage error that names what is wrong: %s', async (args, message) => {
    const folder = workplace();
    const { code, stdout, stderr } = await indelible(args, { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`error: ${message}`);
    expect(stderr).toMatch(/^remedy: .+\ncode: invalid_config\n$/m);
    const asJson = await indelible([...args, '--json'], { cwd: folder });
    expect(asJson).toMatchObject({ code: 2, stdout: '' });
    if (args.at(-1) !== '--limit')
      expect(JSON.parse(asJson.stderr)).toMatchObject({ error: { code: 'invalid_config' } });
  });

  it('keeps quiet about node:sqlite, and only about that', async () => {
    const folder = workplace();
    await withPlan(folder, 'a-plan', 'in_progress');
    const warns = 'setTimeout(() => process.emitWarning("another one", "ExperimentalWarning"))';
    const preload = `--import data:text/javascript,${encodeURIComponent(warns)}`;
    const env = { NODE_OPTIONS: `--experimental-strip-types ${preload}` };
    const tail = new CommandLine(['tail', 'a-plan'], { cwd: folder, env });
    await vi.waitFor(() => expect(tail.stderr).toContain('ExperimentalWarning: another one'), 10_000);
    const { stderr } = await tail.kill('SIGINT');
    expect(stderr).not.toContain('SQLite');
  });

  it('says which Node it needs before it loads anything that an older one cannot', () => {
    const pretend = `data:text/javascript,${encodeURIComponent("Object.defineProperty(process.versions, 'node', { value: '22.14.0' })")}`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', pretend, main, '--version'], {
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('error: Indelible needs Node 22.15 or newer; this is Node 22.14.0.');
  });

  it('colours nothing where it is not read in a terminal, or where NO_COLOR is set', async () => {
    const folder = workplace();
    await withPlan(folder);
    const plain = await indelible(['list'], { cwd: folder });
    const forced = await indelible(['list'], { cwd: folder, env: { FORCE_COLOR: '1' } });
    const quiet = await indelible(['list'], { cwd: folder, env: { FORCE_COLOR: '0', NO_COLOR: '1' } });
    expect(plain.stdout).not.toContain('\u001b');
    expect(quiet.stdout).not.toContain('\u001b');
    expect(forced.stdout).toContain('\u001b[');
  });
});
