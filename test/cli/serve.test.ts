import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { History } from 'indelible/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CommandLine, indelible } from './commandLine.ts';
import { getPlan, serveProcess } from './server.ts';
import { Watching } from './watching.ts';
import { inDatabase, withPlan, workplace } from './workplace.ts';

const failingTeam = fileURLToPath(new URL('./failingTeam.ts', import.meta.url));
const slowTeam = fileURLToPath(new URL('./slowTeam.ts', import.meta.url));

describe('serve', { timeout: 60_000 }, () => {
  it('on an empty database runs the demo with nobody connected, and shows what it then reads back, before it listens', async () => {
    const folder = workplace();
    const { process, url } = await serveProcess(folder);
    const printed = process.stdout;
    const listening = printed.indexOf('Listening on');
    const [plan] = await inDatabase(folder, ({ plans }) => plans.list({ limit: 2 }));
    const { messages } = await getPlan(url, plan?.planId as string);
    expect(messages.length).toBeGreaterThan(3);
    expect(printed).toContain(`the database holds all ${messages.length} messages`);
    let from = 0;
    for (const { sequence, agent_name } of messages) {
      const at = printed.slice(from).search(new RegExp(`^ *${sequence} ${agent_name} `, 'm'));
      expect(at, `message ${sequence}`).toBeGreaterThan(-1);
      from += at + 1;
    }
    expect(from).toBeLessThan(listening);
  });

  it('says what to try, in lines that work as they are printed', async () => {
    const folder = workplace();
    const { process, url } = await serveProcess(folder);
    const [, reading] = await process.printed(/curl '(\S+plan_id=\S+)'/);
    const read = await fetch(reading as string);
    expect(await read.json()).toMatchObject({ plan: { status: 'completed' }, messages: expect.any(Array) });
    const [, starting, type, body] = await process.printed(/curl (\S+process_request) -H '([^']+)' -d '([^']+)'/);
    expect(type).toBe('content-type: application/json');
    const headers = { 'content-type': 'application/json' };
    const started = await fetch(starting as string, { method: 'POST', headers, body: body as string });
    const { plan_id } = (await started.json()) as { plan_id: string };
    expect(starting).toContain(url);
    const tailed = await indelible(['tail', plan_id], { cwd: folder });
    expect(tailed).toMatchObject({ code: 0 });
    expect(tailed.stdout).toContain('final result');
  });

  it('on a database with plans runs nothing by itself', async () => {
    const folder = workplace();
    await withPlan(folder);
    const { process } = await serveProcess(folder);
    expect(process.stdout).not.toContain('demo');
    expect(await inDatabase(folder, ({ plans }) => plans.list({ limit: 2 }))).toHaveLength(1);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s closes sockets with 1001, stops runs, stores what agents said, exits with 0',
    async (signal) => {
      const folder = workplace();
      await withPlan(folder);
      const server = new CommandLine(['serve', '--port', '0', '--team', slowTeam], { cwd: folder });
      const [, url] = await server.printed(/Listening on (http:\S+)/);
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ description: 'Take your time' });
      const started = await fetch(`${url}/api/v3/process_request`, { method: 'POST', headers, body });
      const { plan_id } = (await started.json()) as { plan_id: string };
      const socket = await Watching.connect(url as string, plan_id, new History().watch('socket', plan_id));
      await socket.untilSeen(1);

      const before = performance.now();
      const { code, stderr } = await server.kill(signal);
      expect(performance.now() - before).toBeLessThan(10_000);
      expect({ code, closed: await socket.closed }).toEqual({ code: 0, closed: 1001 });
      expect(stderr).toMatch(/"msg":"stopping"[\s\S]*"msg":"stopped"/);
      await inDatabase(folder, async ({ plans, log }) => {
        expect(await plans.find(plan_id)).toMatchObject({ status: 'failed' });
        const page = await log.read(plan_id, { sequence: 0, revision: 0 }, 10);
        const said = page.messages.map(({ body }) => JSON.parse(body).content);
        expect(said.slice(0, 2)).toEqual(['I begin', 'I was told to stop']);
      });
    },
  );

  it('during its first run stops as well', async () => {
    const folder = workplace();
    const server = new CommandLine(['serve', '--port', '0'], { cwd: folder });
    await server.printed(/The database is new/);
    const { code, stdout } = await server.kill('SIGTERM');
    expect(code).toBe(0);
    expect(stdout).not.toContain('Listening');
  });

  it('says that the port is taken, before it runs anything, and fails', async () => {
    const folder = workplace();
    const port = await takenPort();
    const { code, stdout, stderr } = await indelible(['serve'], { cwd: folder, env: { PORT: String(port) } });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(`error: port ${port} of 127.0.0.1 is taken`);
    expect(stderr).toContain('code: port_taken');
    expect(stderr).not.toContain('   at ');
    expect(await inDatabase(folder, ({ plans }) => plans.list({ limit: 1 }))).toEqual([]);
  });

  it('listens on loopback addresses only, unless --insecure is given', async () => {
    const folder = workplace();
    await withPlan(folder);
    const refused = await indelible(['serve', '--port', '0'], { cwd: folder, env: { HOST: '0.0.0.0' } });
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('code: insecure_listen');
    const insecure = new CommandLine(['serve', '--host', '0.0.0.0', '--port', '0', '--insecure'], { cwd: folder });
    await insecure.printed(/Listening on http:\/\/0\.0\.0\.0:\d+/);
  });

  it('takes its settings from options, then from the environment', async () => {
    const folder = workplace();
    await withPlan(folder);
    const port = await takenPort();
    const env = { PORT: String(port), HOST: '0.0.0.0', INDELIBLE_STORE: 'mysql://nowhere' };
    const options = ['--port', '0', '--host', '127.0.0.1', '--store', 'sqlite:./indelible.db'];
    const server = new CommandLine(['serve', ...options], { cwd: folder, env });
    await server.printed(/Listening on http:\/\/127\.0\.0\.1:\d+/);
    const failed = await indelible(['serve'], { cwd: folder, env: { INDELIBLE_STORE: 'mysql://user:secret@nowhere' } });
    expect(failed).toMatchObject({ code: 2, stdout: '' });
    expect(failed.stderr).toContain('INDELIBLE_STORE');
    expect(failed.stderr).not.toContain('secret');
  });

  it.each([
    ['--port', 'http'],
    ['--port', '65536'],
    ['--allow-origin', 'your.app'],
  ])('refuses %s %s by its name, as a usage error', async (option, value) => {
    const folder = workplace();
    await withPlan(folder);
    const { code, stderr } = await indelible(['serve', '--port', '0', option, value], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain(`error: ${option} `);
  });

  it('says which team cannot be used, and fails', async () => {
    const folder = workplace();
    const { code, stderr } = await indelible(['serve', '--team', './nowhere.js'], { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toContain('./nowhere.js');
    expect(stderr).toContain('code: team_unusable');
  });

  it('answers pages of the origins that --allow-origin names', async () => {
    const folder = workplace();
    await withPlan(folder);
    const { url } = await serveProcess(folder, [
      '--allow-origin',
      'https://a.example',
      '--allow-origin',
      'https://b.example',
    ]);
    const allowed = async (origin: string) => {
      const answer = await fetch(`${url}/api/v3/health`, { headers: { origin } });
      return answer.headers.get('access-control-allow-origin');
    };
    expect(await allowed('https://b.example')).toBe('https://b.example');
    expect(await allowed('https://c.example')).toBeNull();
  });

  it('writes its log to stderr, one event a line, whatever an agent says', async () => {
    const folder = workplace();
    await withPlan(folder);
    const { process, url } = await serveProcess(folder, ['--team', failingTeam]);
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ description: 'Fail' });
    const started = await fetch(`${url}/api/v3/process_request`, { method: 'POST', headers, body });
    const { plan_id } = (await started.json()) as { plan_id: string };
    await indelible(['tail', plan_id], { cwd: folder });
    const { stderr } = await process.kill('SIGTERM');
    const events = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const failed = events.find(({ type }) => type === 'run_failed');
    expect(failed).toMatchObject({ level: 'error', planId: plan_id, msg: 'run failed' });
    expect(failed.error.message).toContain('\u001b[2J\u009b2J\u0085\u2028end');
    expect(events.map(({ msg }) => msg)).not.toContain('forged');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
    expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028]/);
  });
});

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}
