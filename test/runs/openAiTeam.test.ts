import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { inspect } from 'node:util';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Runner } from '../../src/runs/runner.ts';
import { type OpenAiTeamOptions, openAiTeam } from '../../src/runs/teams/openAiCompatible.ts';
import { openAiEndpoint, type Reply } from './openAiEndpoint.ts';
import { temporaryLog, watch } from './temporaryLog.ts';

const key = 'sk-test-0123456789abcdef';
const task = 'How much is 6 times 7?';

function calls(name: string, args: object): Reply {
  return { calls: [{ name, arguments: JSON.stringify(args) }] };
}

/** A port where somebody listened, and nobody does now. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}

async function teamRun(replies: readonly Reply[], options: OpenAiTeamOptions = { maxRetries: 0 }) {
  const endpoint = await openAiEndpoint(replies);
  const env = { OPENAI_BASE_URL: endpoint.baseUrl, OPENAI_API_KEY: key, INDELIBLE_MODEL: 'little-model' };
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line) => void lines.push(line) });
  const { indelible, events } = temporaryLog({ logger });
  const runner = new Runner(indelible, [openAiTeam(env, options)!]);
  const seen = await watch(indelible, 'p');
  const { ended } = await runner.start({ description: task, planId: 'p' });
  const end = async () => {
    const status = await ended;
    const messages = await indelible.persistence.getMessagesForPlan('p');
    return { status, messages, said: messages.map(({ agentName, content }) => `${agentName}: ${content}`) };
  };
  return { endpoint, runner, seen, events, lines, end };
}

const straight: Reply[] = ['1. Multiply.', 'It is 42.', 'The answer is 42.'];

describe('the team on an OpenAI-compatible endpoint', () => {
  test('plans, works with its tools, and writes; each message is stored once, in order', async () => {
    const { endpoint, end } = await teamRun([
      '1. Multiply.',
      calls('calculator', { expression: '6 * 7' }),
      'It is 42.',
      'The answer is 42.',
    ]);
    const { status, messages, said } = await end();
    expect(said).toEqual([
      'Planner: 1. Multiply.',
      'Worker: ',
      'calculator: 42',
      'Worker: It is 42.',
      'Writer: The answer is 42.',
      'Writer: The answer is 42.',
    ]);
    expect(status).toBe('completed');
    expect(messages[1]?.metadata['tool_calls']).toEqual([
      { name: 'calculator', args: { expression: '6 * 7' }, id: 'call_2_0' },
    ]);
    expect(messages[2]).toMatchObject({ agentType: 'tool', metadata: { tool_call_id: 'call_2_0' } });
    expect(messages.at(-1)).toMatchObject({ type: 'final_result_message' });
    expect(endpoint.requests).toHaveLength(4);
  });

  test('asks for the model by its name and with the key, and never with a conversation that ends with an answer', async () => {
    const { endpoint, end } = await teamRun([
      '1. Multiply.',
      calls('calculator', { expression: '6 * 7' }),
      'It is 42.',
      'The answer is 42.',
    ]);
    await end();
    for (const { headers, body } of endpoint.requests) {
      expect(headers.authorization).toBe(`Bearer ${key}`);
      expect(body.model).toBe('little-model');
      expect(['user', 'tool']).toContain(body.messages.at(-1)?.role);
    }
    const [planner, worker, workerAgain, writer] = endpoint.requests.map(({ body }) => body);
    expect(planner?.messages.at(-1)?.content).toBe(task);
    expect(planner?.tools).toBeUndefined();
    expect(worker?.messages.at(-1)?.content).toContain('1. Multiply.');
    expect(worker?.tools?.map((tool) => tool.function.name)).toEqual(['clock', 'calculator']);
    expect(workerAgain?.messages.at(-1)).toMatchObject({ role: 'tool', content: '42', tool_call_id: 'call_2_0' });
    expect(writer?.messages.at(-1)?.content).toContain('It is 42.');
  });

  test('streams each answer as it is written, and tells how far it is', async () => {
    const { endpoint, seen, end } = await teamRun(straight);
    await end();
    expect(endpoint.requests.map(({ body }) => body.stream)).toEqual([true, true, true]);
    expect(seen.flatMap((one) => ('delta' in one ? [one.delta] : []))).toEqual([
      ...['1.', ' Multiply.'],
      ...['It', ' is', ' 42.'],
      ...['The', ' answer', ' is', ' 42.'],
    ]);
    expect(
      seen.flatMap((one) => ('currentStep' in one ? [`${one.currentStep}/${one.totalSteps} ${one.currentAgent}`] : [])),
    ).toEqual(['1/3 Planner', '2/3 Worker', '3/3 Writer']);
  });

  test('has a clock', async () => {
    const replies = ['1. Look.', calls('clock', {}), 'It is noon.', 'Noon.'];
    const { end } = await teamRun(replies, { now: () => Date.UTC(2026, 0, 2, 12), maxRetries: 0 });
    expect((await end()).said).toContain('clock: 2026-01-02T12:00:00.000Z');
  });

  test.each<[string, Reply, RegExp]>([
    ['an expression that is none', calls('calculator', { expression: 'process.exit()' }), /cannot read the expression/],
    ['arguments that are not those of the tool', calls('calculator', { sum: 1 }), /expression/],
    ['a tool that is not there', calls('launch_rocket', {}), /launch_rocket/],
  ])('tells a model that calls a tool wrongly what is wrong, and goes on: %s', async (_what, reply, told) => {
    const { endpoint, end } = await teamRun(['1. Multiply.', reply, 'It is 42.', 'The answer is 42.']);
    const { status } = await end();
    expect(status).toBe('completed');
    expect(endpoint.requests[2]?.body.messages.at(-1)).toMatchObject({
      role: 'tool',
      content: expect.stringMatching(told),
    });
  });

  test('lets a model that never stops calling tools do so eight times', async () => {
    const forever = Array.from({ length: 9 }, () => calls('clock', {}));
    const { endpoint, end } = await teamRun(['1. Look.', ...forever, 'It is late.']);
    const { status, said } = await end();
    expect(status).toBe('completed');
    expect(endpoint.requests).toHaveLength(11);
    expect(said.filter((line) => line.startsWith('clock:'))).toHaveLength(8);
    expect(said.at(-1)).toBe('Writer: It is late.');
  });

  test('asks again where the endpoint was down or busy in passing', async () => {
    const down: Reply = { status: 500, body: '{"error":{"message":"try later"}}' };
    const busy: Reply = { status: 429, headers: { 'retry-after': '0' }, body: '{"error":{"message":"slow down"}}' };
    const runs = await Promise.all([down, busy].map((reply) => teamRun([reply, ...straight], { maxRetries: 1 })));
    for (const { endpoint, end } of runs) {
      expect((await end()).said.at(-1)).toBe('Writer: The answer is 42.');
      expect(endpoint.requests).toHaveLength(4);
    }
  });
});

describe('a run on an endpoint that fails', () => {
  test.each<[string, Reply, RegExp]>([
    [
      'has an error',
      { status: 500, body: '{"error":{"message":"out of cheese"}}' },
      /could not be asked: 500 out of cheese/,
    ],
    ['is busy', { status: 429, body: '{"error":{"message":"slow down"}}' }, /could not be asked: 429 slow down/],
    [
      'does not know the model',
      { status: 404, body: '{"error":{"message":"no such model"}}' },
      /could not be asked: 404 no such model/,
    ],
    ['answers with a page', { status: 502, body: '<html>Bad gateway</html>' }, /could not be asked: 502/],
    ['breaks off in the middle', { breaks: true }, /could not be asked/],
    ['answers nothing to the writer', '', /gave an empty answer/],
  ])(
    'has failed where it %s, says why and of which model, and keeps what was written before',
    async (_what, reply, reason) => {
      const { end } = await teamRun(['1. Multiply.', 'It is 42.', reply]);
      const { status, said } = await end();
      expect(status).toBe('failed');
      expect(said.slice(0, 2)).toEqual(['Planner: 1. Multiply.', 'Worker: It is 42.']);
      expect(said.at(-1)).toMatch(/^System: The run failed: the model little-model/);
      expect(said.at(-1)).toMatch(reason);
    },
  );

  test.each(['at once', 'after a word'] as const)(
    'has failed when an answer takes too long: it hangs %s',
    async (hang) => {
      const answerMs = hang === 'at once' ? 100 : 1_500; // The word has to come in time.
      const { end, seen } = await teamRun([{ hang }], { answerMs, maxRetries: 0 });
      const { status, said } = await end();
      expect(status).toBe('failed');
      expect(said).toEqual([
        expect.stringMatching(/little-model at http:\/\/127.0.0.1:\d+\/v1 did not answer within (100|1500) ms$/),
      ]);
      const streams = seen.flatMap((one) =>
        'streamId' in one && one.type !== 'agent_message_streaming' ? [one.type] : [],
      );
      expect(streams).toEqual(hang === 'at once' ? [] : ['agent_stream_start', 'agent_stream_end']);
    },
  );

  test.each(['at once', 'after a word'] as const)(
    'stops when it is asked to, also while an answer hangs %s',
    async (hang) => {
      const { runner, end, endpoint } = await teamRun([{ hang }]);
      await vi.waitFor(() => expect(endpoint.requests).toHaveLength(1));
      await runner.close(60_000);
      expect((await end()).said).toEqual(['System: The run failed: the process was asked to stop']);
    },
  );

  test('says so where nobody listens', async () => {
    const { indelible } = temporaryLog();
    const port = await closedPort();
    const env = { OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`, INDELIBLE_MODEL: 'little-model' };
    const { ended } = await new Runner(indelible, [openAiTeam(env, { maxRetries: 0 })!]).start({
      description: task,
      planId: 'p',
    });
    expect(await ended).toBe('failed');
    const [message] = await indelible.persistence.getMessagesForPlan('p');
    expect(message?.content).toMatch(/little-model at http:\/\/127.0.0.1:\d+\/v1 could not be asked: .*ECONNREFUSED/);
  });
});

describe('the key', () => {
  test.each<[string, Reply]>([
    [
      'refuses it and repeats it',
      { status: 401, body: `{"error":{"message":"incorrect API key: ${key}","key":"${key}"}}` },
    ],
    [
      'fails and repeats it in a header',
      { status: 500, headers: { 'x-echo': key }, body: `Authorization: Bearer ${key}` },
    ],
    ['answers well', '1. Multiply.'],
  ])('is in no message, event, log line or output, where the endpoint %s', async (_what, reply) => {
    onTestFinished(() => void vi.restoreAllMocks());
    const outputs = (['log', 'warn', 'error', 'info', 'debug'] as const).map((name) => vi.spyOn(console, name));
    const { endpoint, seen, events, lines, end } = await teamRun([reply, ...straight.slice(1)]);
    const { messages } = await end();
    expect(endpoint.requests[0]?.headers.authorization).toContain(key);
    const told = inspect([messages, seen, events, outputs.map(({ mock }) => mock.calls)], {
      depth: Number.POSITIVE_INFINITY,
      maxStringLength: Number.POSITIVE_INFINITY,
      maxArrayLength: Number.POSITIVE_INFINITY,
      showHidden: true,
    });
    expect(told).not.toContain(key);
    expect(lines.join('')).not.toContain(key);
    expect(lines.length).toBeGreaterThan(0);
  });

  test('may be missing where the endpoint asks for none', async () => {
    const { baseUrl } = await openAiEndpoint(straight);
    const { indelible } = temporaryLog();
    const team = openAiTeam({ OPENAI_BASE_URL: baseUrl, INDELIBLE_MODEL: 'little-model' })!;
    const { ended } = await new Runner(indelible, [team]).start({ description: task });
    expect(await ended).toBe('completed');
  });
});

describe('the settings', () => {
  test.each([{}, { OPENAI_API_KEY: key }, { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1', INDELIBLE_MODEL: ' ' }])(
    'make no team where no model is named: %j',
    (env) => {
      expect(openAiTeam(env)).toBeUndefined();
    },
  );

  test('name the model in the team, and not the key', () => {
    const team = openAiTeam({ OPENAI_API_KEY: key, INDELIBLE_MODEL: 'little-model' });
    expect(team).toMatchObject({ id: 'openai', name: 'Team on little-model' });
    expect(inspect(team, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toContain(key);
  });

  test.each([
    ['neither a key nor an address', {}, 'team_unusable', 'OPENAI_API_KEY'],
    ['an address that is none', { OPENAI_BASE_URL: 'localhost:1234' }, 'invalid_config', 'OPENAI_BASE_URL'],
    ['an address of a file', { OPENAI_BASE_URL: 'file:///etc/passwd' }, 'invalid_config', 'OPENAI_BASE_URL'],
    [
      'a password in the address',
      { OPENAI_BASE_URL: `http://me:${key}@127.0.0.1/v1` },
      'invalid_config',
      'OPENAI_BASE_URL',
    ],
    ['a key that no header carries', { OPENAI_API_KEY: `${key}\n${key}` }, 'invalid_config', 'OPENAI_API_KEY'],
  ])('are refused, by field and without their values: %s', (_what, env, code, field) => {
    const make = () => openAiTeam({ INDELIBLE_MODEL: 'little-model', ...env });
    expect(make).toThrow(expect.objectContaining({ code, field, message: expect.not.stringContaining(key) }));
  });
});
