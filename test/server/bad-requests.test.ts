import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultLimits } from '../../src/server/serverLimits.ts';
import { getJson, type Json, post, raw } from './http.ts';
import { type TestServer, testServer } from './testServer.ts';
import { type WatchingClient, watch } from './watchingClient.ts';

/** Everything below must leave a plan, and whoever watches it, as they were. */
let server: TestServer;
let bystander: WatchingClient;

beforeEach(async () => {
  server = await testServer({
    limits: {
      maxBodyBytes: 4_096,
      headersTimeoutMs: 400,
      requestTimeoutMs: 400,
      connectionCheckMs: 50,
      storeDeadlineMs: 100,
    },
  });
  await server.save('p', 1, 1);
  bystander = await watch(server, 'p');
});

afterEach(async () => {
  server.faults.heal();
  await server.save('p', 2, 2);
  await bystander.until(({ sequences }) => sequences.length === 2);
  const { messages } = await getJson(`${server.api}/plan?plan_id=p`);
  expect(messages.map(({ content }: Json) => content)).toEqual(['message 1', 'message 2']);
});

const json = (status: number, detail: unknown) => ({ status, type: 'application/json', body: { detail } });
const someText = expect.stringMatching(/./);

async function answerOf(response: Response) {
  return { status: response.status, type: response.headers.get('content-type'), body: await response.json() };
}

describe('plan_id', () => {
  it('missing is 422 and names the field', async () => {
    for (const query of ['', '?', '?other=1', '?PLAN_ID=p', '?after=-1&limit=0']) {
      expect(await answerOf(await fetch(`${server.api}/plan${query}`))).toEqual(
        json(422, [{ loc: ['query', 'plan_id'], msg: someText, type: 'missing' }]),
      );
    }
  });

  it.each([
    ['empty', 'plan_id='],
    ['empty without =', 'plan_id'],
    ['repeated', 'plan_id=p&plan_id=p'],
    ['a list', 'plan_id[]=p'],
    ['an encoded list', 'plan_id%5B%5D=p'],
    ['an object', 'plan_id[a]=p'],
    ['10 kB', `plan_id=${'p'.repeat(10_000)}`],
    ['a path', 'plan_id=../etc'],
    ['an encoded path', 'plan_id=..%2Fetc'],
    ['NUL', 'plan_id=p%00'],
    ['not UTF-8', 'plan_id=%ff'],
    ['half a percent', 'plan_id=%e'],
    ['a line break', 'plan_id=p%0d%0aX: y'],
  ])('%s is 400 and names the field', async (_what, query) => {
    expect(await answerOf(await fetch(`${server.api}/plan?${query}`))).toEqual(
      json(400, expect.stringContaining('plan_id')),
    );
  });

  it.each(["' OR 1=1--", '__proto__', 'constructor', 'P', 'ｐ', 'p ', '%'])('%j is 404', async (id) => {
    expect(await answerOf(await fetch(`${server.api}/plan?plan_id=${encodeURIComponent(id)}`))).toEqual(
      json(404, 'Plan not found'),
    );
  });

  it('with parameters nobody knows beside it is answered', async () => {
    const { messages } = await getJson(`${server.api}/plan?plan_id=p&after=-1&limit=1e9&plan=x&__proto__=y&%ff=%ff`);
    expect(messages).toHaveLength(1);
  });

  it('a session id that is repeated or not UTF-8 is 400', async () => {
    for (const query of ['session_id=a&session_id=b', 'session_id=%ff', 'session_id[]=a']) {
      expect((await fetch(`${server.api}/plans?${query}`)).status).toBe(400);
    }
  });
});

describe('the request', () => {
  it('of an unknown path is 404', async () => {
    for (const path of [
      '/',
      '/api',
      '/api/v3',
      '/api/v3/',
      '/api/v3/plan/',
      '/api/v4/plan',
      '/api/v3/PLAN',
      '/%2e%2e/etc',
    ]) {
      expect(await answerOf(await fetch(server.url + path))).toEqual(json(404, 'Not found'));
    }
  });

  it.each([
    ['POST', '/api/v3/plan', 'GET, HEAD'],
    ['DELETE', '/api/v3/plans', 'GET, HEAD'],
    ['OPTIONS', '/api/v3/health', 'GET, HEAD'],
    ['GET', '/api/v3/process_request', 'POST'],
    ['PUT', '/api/v3/agent_message', 'POST'],
    ['PATCH', '/api/user_browser_language', 'POST'],
  ])('%s %s is 405 and tells what is allowed', async (method, path, allow) => {
    const response = await fetch(server.url + path, { method });
    expect(response.headers.get('allow')).toBe(allow);
    expect(await answerOf(response)).toEqual(json(405, someText));
  });

  it('HEAD is answered as GET is, without a body', async () => {
    for (const [path, status] of [
      ['plan?plan_id=p', 200],
      ['plan?plan_id=none', 404],
      ['plan', 422],
      ['teams', 200],
      ['process_request', 405],
      ['nowhere', 404],
    ] as const) {
      const answer = await raw(
        server.port,
        `HEAD /api/v3/${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      expect([path, answer.status, answer.body]).toEqual([path, status, '']);
      expect(answer.headers).toMatch(/content-type: application\/json/i);
    }
  });

  it('that wants no JSON is 406', async () => {
    for (const accept of ['text/xml', 'text/html, image/*', 'application/json;q=0', 'application/jsonl']) {
      const response = await fetch(`${server.api}/plan?plan_id=p`, { headers: { accept } });
      expect(await answerOf(response)).toEqual(json(406, someText));
    }
    for (const accept of [
      '*/*',
      'application/json, text/plain, */*',
      'text/html, application/*;q=0.1',
      'APPLICATION/JSON',
    ]) {
      expect((await fetch(`${server.api}/plan?plan_id=p`, { headers: { accept } })).status).toBe(200);
    }
  });

  it('with headers over 16 KiB is 431', async () => {
    const answer = await raw(server.port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(16 * 1024)}\r\n\r\n`);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([431, { detail: someText }]);
    expect((await fetch(`${server.api}/health`, { headers: { x: 'x'.repeat(15 * 1024) } })).status).toBe(200);
  });

  it('with headers that do not come to an end is 408, by default within 10 s', async () => {
    const { port } = await testServer({ limits: { headersTimeoutMs: 200, connectionCheckMs: 50 } });
    const answer = await raw(port, 'GET /api/v3/health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
    expect([answer.status, JSON.parse(answer.body)]).toEqual([408, { detail: someText }]);
    expect(defaultLimits.headersTimeoutMs + defaultLimits.connectionCheckMs).toBeLessThan(10_000);
  });

  it('with a body that does not come to an end is 408', async () => {
    const answer = await raw(
      server.port,
      'POST /api/v3/process_request HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"description"',
    );
    expect([answer.status, JSON.parse(answer.body)]).toEqual([408, { detail: someText }]);
  });

  it.each([
    ['Content-Length and Transfer-Encoding', 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two Content-Lengths', 'Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc'],
    ['a negative Content-Length', 'Content-Length: -1\r\n\r\n'],
    ['a line that is no header', 'no header\r\n\r\n'],
    ['a space before the colon', 'X : y\r\n\r\n'],
  ])('with %s is 400', async (_what, rest) => {
    const answer = await raw(server.port, `POST /api/v3/process_request HTTP/1.1\r\nHost: localhost\r\n${rest}`);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([400, { detail: someText }]);
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['no Host', 'GET /api/v3/health HTTP/1.1\r\n\r\n'],
    ['a backslash in the path', 'GET /api\\v3/health HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ])('with %s is 400', async (_what, bytes) => {
    const answer = await raw(server.port, bytes);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([400, { detail: someText }]);
  });
});

describe('the body', () => {
  it('over the limit is 413, whether its length was said or not', async () => {
    const long = JSON.stringify({ description: 'x'.repeat(5_000) });
    const said = await post(`${server.api}/process_request`, long);
    expect(await answerOf(said)).toEqual(json(413, someText));
    const chunked = await fetch(`${server.api}/process_request`, {
      method: 'POST',
      body: new Blob([long]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(await answerOf(chunked)).toEqual(json(413, someText));
    expect(defaultLimits.maxBodyBytes).toBe(1024 * 1024);
  });

  it.each([
    ['empty', ''],
    ['cut off', '{"description": "x"'],
    ['a form', 'description=x'],
    ['with something behind it', '{"description":"x"} {}'],
    ['not UTF-8', Buffer.from([...Buffer.from('{"description":"'), 0xff, ...Buffer.from('"}')])],
  ])('%s is 400', async (_what, body) => {
    for (const call of ['v3/process_request', 'v3/agent_message', 'v3/plan_approval', 'user_browser_language']) {
      const response = await fetch(`${server.url}/api/${call}`, { method: 'POST', body });
      expect(await answerOf(response)).toEqual(json(400, someText));
    }
  });

  it.each([
    ['null', null, []],
    ['a list', [], []],
    ['a string', '"x"', []],
    ['a number', 1, []],
    ['without description', {}, ['description']],
    ['with an inherited description only', JSON.parse('{"__proto__":{"description":"x"}}'), ['description']],
    ['with description null', { description: null }, ['description']],
    ['with a description that is a number', { description: 1 }, ['description']],
    ['with a session_id that is a list', { description: 'x', session_id: ['a'] }, ['session_id']],
    ['with a team_id that is an object', { description: 'x', team_id: {} }, ['team_id']],
  ])('of the wrong shape, %s, is 422 and names the field', async (_what, body, field) => {
    const before = (await getJson(`${server.api}/plans`)).length;
    const response = await post(`${server.api}/process_request`, body);
    expect(await answerOf(response)).toEqual(json(422, [{ loc: ['body', ...field], msg: someText, type: someText }]));
    expect(await getJson(`${server.api}/plans`)).toHaveLength(before);
  });

  it('tells what is missing from what is of the wrong type, and names all of it', async () => {
    const response = await post(`${server.api}/plan_approval`, { approved: 'yes' });
    expect(await answerOf(response)).toEqual(
      json(422, [
        { loc: ['body', 'm_plan_id'], msg: 'Field required', type: 'missing' },
        { loc: ['body', 'approved'], msg: someText, type: 'boolean_type' },
      ]),
    );
  });

  it('of a clarification without plan_id is 400', async () => {
    for (const body of [{}, { plan_id: null }, { plan_id: '' }, { request_id: 'r', answer: 'ok' }]) {
      expect(await answerOf(await post(`${server.api}/user_clarification`, body))).toEqual(
        json(400, expect.stringContaining('plan_id')),
      );
    }
  });

  it('of other calls that is of the wrong shape is 422', async () => {
    for (const [call, body, field] of [
      ['v3/agent_message', { plan_id: 'p', content: 'x' }, 'agent'],
      ['v3/user_clarification', { plan_id: 7 }, 'plan_id'],
      ['user_browser_language', { language: 7 }, 'language'],
    ]) {
      const { status, body: answer } = await answerOf(await post(`${server.url}/api/${call}`, body));
      expect([status, (answer as Json).detail[0].loc]).toEqual([422, ['body', field]]);
    }
  });
});

describe('the database', () => {
  const calls = ['plan?plan_id=p', 'plan?plan_id=none', 'plans', 'plans?session_id=x'];

  it('that is down is 503 with Retry-After, never an empty 200', async () => {
    server.faults.refuse();
    for (const call of calls) {
      const response = await fetch(`${server.api}/${call}`);
      expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(await answerOf(response)).toEqual(json(503, someText));
    }
    const response = await post(`${server.api}/process_request`, { description: 'x' });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  });

  it('that goes down between the plan and its messages is 503, never an empty list', async () => {
    server.faults.script = ({ name }) => (name === 'read' ? 'unavailable' : 'none');
    const response = await fetch(`${server.api}/plan?plan_id=p`);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await answerOf(response)).toEqual(json(503, someText));
  });

  it('that never answers is 503 within 1 s', async () => {
    server.faults.hang();
    for (const call of calls) {
      const response = await fetch(`${server.api}/${call}`);
      expect(response.headers.get('retry-after')).toBe('1');
      expect(await answerOf(response)).toEqual(json(503, someText));
    }
    expect(defaultLimits.storeDeadlineMs).toBeLessThan(1_000);
  });

  it('that refuses for good is 500 and does not tell what it said', async () => {
    server.faults.script = () => 'refused';
    const answer = await answerOf(await fetch(`${server.api}/plan?plan_id=p`));
    expect(answer).toEqual(json(500, expect.not.stringContaining('injected')));
  });

  it('that goes down in the middle of an answer cuts the connection: half a list is never taken for the whole', async () => {
    await Promise.all(
      Array.from({ length: 1_500 }, () =>
        server.indelible.save({ planId: 'long', agentName: 'a', content: 'x'.repeat(1_000) }),
      ),
    );
    let reads = 0;
    server.faults.script = ({ name }) => (name === 'read' && ++reads === 2 ? 'unavailable' : 'none');
    const response = await fetch(`${server.api}/plan?plan_id=long`);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });
});
