import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openIndelible } from '../../src/agents/indelible.ts';
import type { IndelibleEvent } from '../../src/observe/events.ts';
import { Runner } from '../../src/runs/runner.ts';
import { startServer } from '../../src/server/startServer.ts';
import { type PostgresServer, startPostgres } from '../../src/testing/postgresServer.ts';
import { serveProcess } from '../cli/server.ts';
import { withPlan, workplace } from '../cli/workplace.ts';
import { LiveTestClient } from '../live/liveTestClient.ts';
import { getJson, type Json } from '../server/http.ts';
import { sayingTeam, testServer } from '../server/testServer.ts';

const script = fileURLToPath(new URL('../../examples/python/append.py', import.meta.url));
/** A machine without it passes over these tests, and says so; what CI runs on must have it. */
const hasPython = spawnSync('python3', ['--version']).status === 0 || process.env['CI'] !== undefined;

beforeEach(({ skip }) => skip(!hasPython, 'left out: there is no python3 here'));

describe('examples/python/append.py, while PostgreSQL is stopped and started', { timeout: 120_000 }, () => {
  let postgres: PostgresServer;

  beforeAll(async () => {
    if (hasPython) postgres = await startPostgres({ settings: { fsync: 'off' } });
  }, 60_000);
  afterAll(() => postgres?.close());

  it.each(['with a spool', 'without one'] as const)(
    '%s: nothing is lost, nothing is there twice, all in order',
    async (how) => {
      const { url, stored, refusals } = await serverOn(
        await postgres.createDatabase(`python_${how.replace(/\W/g, '')}`),
        how,
      );
      const agent = new PythonAgent(script, url);
      const answers = await throughOutages(agent, postgres);
      expect(answers).toHaveLength(count);
      expect(
        answers.filter((line) => !/^stored \d+$/.test(line) && !(how === 'with a spool' && line === 'spooled -')),
      ).toEqual([]);
      // Else the outages did nothing: with a spool messages went there, without one the agent was refused.
      if (how === 'with a spool') expect(answers).toContain('spooled -');
      else expect(refusals()).toBeGreaterThan(0);
      await expect.poll(async () => (await stored()).length, { timeout: 30_000 }).toBe(count);
      expect(await stored()).toEqual(lines);
    },
  );

  it('the control: a script that uses a new id at each try has messages twice', async () => {
    const { url, stored } = await serverOn(await postgres.createDatabase('python_control'), 'without one');
    const careless = join(workplace(), 'careless.py');
    const text = readFileSync(script, 'utf8');
    const changed = text.replace('json.dumps(body)', 'json.dumps({**body, "message_id": str(uuid.uuid4())})');
    expect(changed).not.toBe(text);
    writeFileSync(careless, changed);
    await throughOutages(new PythonAgent(careless, url), postgres);
    await expect.poll(async () => new Set(await stored()).size, { timeout: 30_000 }).toBe(count);
    expect((await stored()).length).toBeGreaterThan(count);
  });
});

it('examples/python/append.py goes on when its server is killed and started anew', { timeout: 90_000 }, async () => {
  const folder = workplace();
  await withPlan(folder);
  const first = await serveProcess(folder);
  const agent = new PythonAgent(script, first.url);
  await agent.say(lines.slice(0, 20));
  await agent.answered(20);
  await first.process.kill('SIGKILL');
  await agent.say(lines.slice(20, 40));
  await sleep(1_500);
  const next = await serveProcess(folder, ['--port', new URL(first.url).port]);
  await agent.answered(40);
  await agent.end();
  expect((await getJson(`${next.url}/api/v1/plans/python/messages`)).messages.map(contentOf)).toEqual(
    lines.slice(0, 40),
  );
});

it('shows an answer while it is being written, which its message replaces', async () => {
  const server = await testServer();
  const client = await LiveTestClient.open(server);
  await client.subscribed('p 1');
  const program = [
    `import sys; sys.path.insert(0, ${JSON.stringify(join(script, '..'))})`,
    'from append import Plan',
    `plan = Plan(${JSON.stringify(server.url)}, "p 1", "Writer")`,
    'text = ""',
    'for word in ["Grüße, ", "🙂 ", "and ", "goodbye."]:',
    '    text += word',
    '    plan.draft("answer 1", text)',
    'print(json.dumps(plan.append(text, "answer 1", metadata={"done": True})))',
  ].join('\n');
  const child = spawn('python3', ['-c', `import json\n${program}`]);
  let said = '';
  child.stdout.on('data', (text: string) => (said += text));
  await once(child, 'close');
  expect(JSON.parse(said)).toMatchObject({ message_id: 'answer 1', status: 'stored', sequence: 1 });
  await client.until(() => client.sequences('p 1').length === 1);
  expect(
    client
      .ofType('draft')
      .map(({ text }) => text)
      .join(''),
  ).toBe('Grüße, 🙂 and goodbye.');
  expect(client.ofType('message')[0]?.message).toMatchObject({
    content: 'Grüße, 🙂 and goodbye.',
    metadata: { done: true },
  });
});

const count = 240;
const lines = Array.from({ length: count }, (_, index) => `line ${index + 1}`);

/** The script, fed by the test. */
class PythonAgent {
  readonly #child;
  readonly #ended: Promise<unknown>;
  #answers = '';
  #errors = '';

  constructor(program: string, url: string) {
    this.#child = spawn('python3', ['-u', program, url, 'python']);
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#answers += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    this.#child.stdin.on('error', () => {});
    this.#ended = once(this.#child, 'close');
    onTestFinished(() => void this.#child.kill('SIGKILL'));
  }

  get answers(): readonly string[] {
    return this.#answers.split('\n').slice(0, -1);
  }

  async say(some: readonly string[]): Promise<void> {
    this.#child.stdin.write(some.map((line) => `${line}\n`).join(''));
  }

  async answered(so: number): Promise<void> {
    await expect.poll(() => this.answers.length, { timeout: 60_000, message: this.#errors }).toBeGreaterThanOrEqual(so);
  }

  async end(): Promise<readonly string[]> {
    this.#child.stdin.end();
    const [code] = (await this.#ended) as [number];
    expect([code, this.#errors.split('\n').filter((line) => !line.endsWith('trying again') && line !== '')]).toEqual([
      0,
      [],
    ]);
    return this.answers;
  }
}

/** A stop and a crash of the database, each in the middle of what the agent writes. */
async function throughOutages(agent: PythonAgent, postgres: PostgresServer): Promise<readonly string[]> {
  const part = count / 4;
  await agent.say(lines.slice(0, part));
  await agent.answered(part / 2);
  for (const [round, how] of (['fast', 'immediate'] as const).entries()) {
    await postgres.stop(how);
    await agent.say(lines.slice(part * (round + 1), part * (round + 2)));
    await sleep(2_500);
    await postgres.start();
    await agent.answered(part * (round + 2));
  }
  await agent.say(lines.slice(part * 3));
  return await agent.end();
}

async function serverOn(store: string, how: 'with a spool' | 'without one') {
  const spool = how === 'with a spool' ? join(workplace(), 'spool') : false;
  let late = 0;
  const observe = ({ type }: IndelibleEvent) => {
    if (type === 'message_late') late++;
  };
  const indelible = await openIndelible({ store, spool, observe });
  const server = await startServer({ indelible, runner: new Runner(indelible, [sayingTeam(1)]), port: 0 });
  onTestFinished(async () => {
    await server.close();
    await indelible.close();
  });
  const stored = async () =>
    (await getJson(`${server.url}/api/v1/plans/python/messages?limit=1000`)).messages.map(contentOf);
  return { url: server.url, stored, refusals: () => late };
}

function contentOf({ message }: Json): string {
  return message.content;
}
