import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { CommandLine, indelible } from './commandLine.ts';
import { getPlan, serveProcess } from './server.ts';
import { inDatabase, withPlan, workplace } from './workplace.ts';

const deafTeam = fileURLToPath(new URL('./deafTeam.ts', import.meta.url));
const strayTeam = fileURLToPath(new URL('./strayTeam.ts', import.meta.url));

describe('a command that is told to stop', { timeout: 60_000 }, () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('by %s ends, also when the team of its run does not', async (signal) => {
    const folder = workplace();
    const run = new CommandLine(['run', 'For ever', '--team', deafTeam], { cwd: folder });
    await run.printed(/I begin/);
    const { code, stderr } = await run.kill(signal);
    expect(code).toBe(1);
    expect(stderr).toMatch(/The plan stays in_progress, since its team did not stop, with 1 message\./);
    expect(await inDatabase(folder, ({ plans }) => plans.list({ limit: 2 }))).toMatchObject([
      { status: 'in_progress', messageCount: 1 },
    ]);
  });

  it.each([
    ['serve', 0],
    ['run', 1],
  ] as const)('while it is still loaded has not begun: %s ends with %d', async (command, exit) => {
    const folder = workplace();
    const stopEarly = `import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) {
        if (url.endsWith('/cli/program.ts')) process.kill(process.pid, 'SIGTERM');
        return next(url, context);
      } });`;
    const NODE_OPTIONS = `${process.env['NODE_OPTIONS'] ?? ''} --import data:text/javascript,${encodeURIComponent(stopEarly)}`;
    const args = command === 'serve' ? ['serve', '--port', '0'] : ['run', 'Say hello'];
    const ended = await indelible(args, { cwd: folder, env: { NODE_OPTIONS } });
    expect(ended).toMatchObject({ code: exit, signal: null });
    expect(ended.stdout).toBe('');
  });

  it.each([
    ['serve', 0],
    ['run', 1],
  ] as const)('while a module of a team loads, for ever, %s ends with %d', async (command, exit) => {
    const folder = workplace();
    const module = "process.stdout.write('loading'); await new Promise((resolve) => setInterval(() => {}, 1000));";
    writeFileSync(join(folder, 'team.mjs'), module);
    const args = command === 'serve' ? ['serve', '--port', '0'] : ['run', 'Say hello'];
    const process = new CommandLine([...args, '--team', './team.mjs'], { cwd: folder });
    await process.printed(/loading/);
    expect(await process.kill('SIGTERM')).toMatchObject({ code: exit, signal: null });
  });
});

describe('an error that the code of a team loses', { timeout: 60_000 }, () => {
  it('as a rejection is one line of the log, and the server goes on', async () => {
    const folder = workplace();
    await withPlan(folder);
    const { process, url } = await serveProcess(folder, ['--team', strayTeam]);
    const planId = await start(url, 'reject');
    await vi.waitFor(async () => expect((await getPlan(url, planId)).plan['status']).toBe('completed'), 10_000);
    const { code, stderr } = await process.kill('SIGTERM');
    expect(code).toBe(0);
    expect(logged(stderr).filter(({ type }) => type === 'unhandled_rejection')).toEqual([
      expect.objectContaining({
        level: 'error',
        error: expect.objectContaining({ message: 'lost\nrejection', stack: expect.stringContaining('strayTeam.ts') }),
      }),
    ]);
  });

  it('as an exception is one line of the log, and the server stops in good order and has failed', async () => {
    const folder = workplace();
    await withPlan(folder);
    const { process, url } = await serveProcess(folder, ['--team', strayTeam]);
    const planId = await start(url, 'throw');
    const { code, stderr } = await process.ended;
    expect(code).toBe(1);
    const events = logged(stderr);
    expect(events.filter(({ type }) => type === 'uncaught_exception')).toEqual([
      expect.objectContaining({ level: 'error', error: expect.objectContaining({ message: 'lost\nexception' }) }),
    ]);
    expect(events.at(-1)).toMatchObject({ msg: 'stopped' });
    await inDatabase(folder, async ({ plans }) => {
      expect(await plans.find(planId)).toMatchObject({ status: 'failed', messageCount: 2 });
    });
  });

  it.each([
    ['reject', 0, 'completed'],
    ['throw', 1, 'failed'],
  ])('(%s) lets `run` end with %d and its plan %s', async (task, exit, status) => {
    const folder = workplace();
    const { code, stderr } = await indelible(['run', task, '--json', '--team', strayTeam], { cwd: folder });
    expect(code).toBe(exit);
    expect(logged(stderr).map(({ error }) => error.message)).toContain(
      task === 'reject' ? 'lost\nrejection' : 'lost\nexception',
    );
    expect(await inDatabase(folder, ({ plans }) => plans.list({ limit: 2 }))).toMatchObject([{ status }]);
  });
});

async function start(url: string, description: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ description });
  const started = await fetch(`${url}/api/v3/process_request`, { method: 'POST', headers, body });
  return ((await started.json()) as { plan_id: string }).plan_id;
}

function logged(stderr: string) {
  return stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
