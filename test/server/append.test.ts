import { describe, expect, it } from 'vitest';
import { getJson, type Json, post } from './http.ts';
import { type TestServer, testServer } from './testServer.ts';
import { watch } from './watchingClient.ts';

describe('POST /api/v1/plans/{plan_id}/messages', () => {
  it('answers with the place of a message that is in the database, seen by GET and by sockets', async () => {
    const server = await testServer();
    const socket = await watch(server, 'plan');
    const { status, answer } = await append(server, { agent_name: 'A', content: 'one', message_id: 'm-1' });
    expect(status).toBe(200);
    expect(answer).toEqual({ plan_id: 'plan', message_id: 'm-1', status: 'stored', sequence: 1, duplicate: false });
    expect(await stored(server)).toMatchObject([
      { sequence: 1, message_id: 'm-1', agent_name: 'A', agent_type: 'agent', content: 'one', metadata: {} },
    ]);
    await socket.until(({ rows }) => rows.length === 1);
    expect(socket.rows).toMatchObject([{ message_id: 'm-1', content: 'one' }]);
  });

  it('takes the same message again as a duplicate at its first place, and refuses another one under its id', async () => {
    const server = await testServer();
    const message = { agent_name: 'A', content: 'one', message_id: 'm-1', metadata: { a: 1, b: 2 } };
    await append(server, message);
    await append(server, { agent_name: 'A', content: 'two' });
    const again = await append(server, { ...message, metadata: { b: 2, a: 1 }, timestamp: '2020-01-01T00:00:00Z' });
    expect(again).toMatchObject({ status: 200, answer: { sequence: 1, duplicate: true } });
    const other = await append(server, { ...message, content: 'other' });
    expect(other).toMatchObject({
      status: 409,
      answer: { message_id: 'm-1', status: 'refused', error: { code: 'message_conflict', field: 'message_id' } },
    });
    expect((await stored(server)).map(({ content }) => content)).toEqual(['one', 'two']);
  });

  it('names the id it made for a message that came without one', async () => {
    const server = await testServer();
    const { answer } = await append(server, { agent_name: 'A', content: '' });
    expect(await stored(server)).toMatchObject([{ message_id: answer.message_id, content: '' }]);
  });

  it('stores a batch in its order, with an answer for each message; an empty one is answered []', async () => {
    const server = await testServer();
    const messages = Array.from({ length: 300 }, (_, index) => ({
      agent_name: 'A',
      content: `${index}`,
      message_id: `m-${index}`,
    }));
    const { status, answer } = await append(server, { messages });
    expect(status).toBe(200);
    expect(answer.results).toEqual(
      messages.map(({ message_id }, index) => ({
        message_id,
        status: 'stored',
        sequence: index + 1,
        duplicate: false,
      })),
    );
    expect((await stored(server)).map(({ content }) => content)).toEqual(messages.map(({ content }) => content));
    expect(await append(server, { messages: [] })).toMatchObject({ status: 200, answer: { results: [] } });
  });

  it('tells in each place of a batch what became of it: 207 if not all are stored', async () => {
    const server = await testServer();
    await append(server, { agent_name: 'A', content: 'first', message_id: 'm-1' });
    const messages = [
      { agent_name: 'A', content: 'first', message_id: 'm-1' },
      { agent_name: 'A', content: 'other', message_id: 'm-1' },
      { agent_name: 'A', content: 'second', message_id: 'm-2' },
    ];
    const { status, answer } = await append(server, { messages });
    expect(status).toBe(207);
    expect(answer.results).toMatchObject([
      { status: 'stored', sequence: 1, duplicate: true },
      { status: 'refused', error: { code: 'message_conflict', remedy: expect.any(String) } },
      { status: 'stored', sequence: 2, duplicate: false },
    ]);
  });

  it('keeps every text as it was sent', async () => {
    const server = await testServer();
    const text = 'NUL \u0000 half \ud800 🙂 \u202e \u2028 "quoted" \\';
    const body = `{"agent_name":${JSON.stringify(text)},"content":${JSON.stringify(text)},"metadata":{"__proto__":{"x":1},"t":${JSON.stringify(text)}}}`;
    expect((await append(server, body)).status).toBe(200);
    const [message] = await stored(server);
    expect(message).toMatchObject({ agent_name: text, content: text });
    expect(JSON.stringify(message.metadata)).toBe(`{"__proto__":{"x":1},"t":${JSON.stringify(text)}}`);
  });

  it.each([
    ['no agent_name', { content: 'x' }, ['body', 'agent_name']],
    ['an empty agent_name', { agent_name: '', content: 'x' }, ['body', 'agent_name']],
    ['no content', { agent_name: 'A' }, ['body', 'content']],
    ['content that is no string', { agent_name: 'A', content: 1 }, ['body', 'content']],
    ['an unknown type', { agent_name: 'A', content: 'x', type: 'constructor' }, ['body', 'type']],
    ['metadata that is no object', { agent_name: 'A', content: 'x', metadata: [] }, ['body', 'metadata']],
    ['an id that cannot be one', { agent_name: 'A', content: 'x', message_id: 'a/b' }, ['body', 'message_id']],
    ['an empty id', { agent_name: 'A', content: 'x', message_id: '' }, ['body', 'message_id']],
    ['a date that is none', { agent_name: 'A', content: 'x', timestamp: 'soon' }, ['body', 'timestamp']],
    ['a list', [{ agent_name: 'A', content: 'x' }], ['body']],
    ['null', null, ['body']],
    [
      'a second message without content',
      { messages: [good(1), { agent_name: 'A' }] },
      ['body', 'messages', 1, 'content'],
    ],
    [
      'a second message with a bad name',
      { messages: [good(1), { agent_name: '', content: '' }] },
      ['body', 'messages', 1, 'agent_name'],
    ],
    ['1,001 messages', { messages: Array.from({ length: 1_001 }, (_, index) => good(index)) }, ['body', 'messages']],
  ])('refuses %s with 422, naming the place, and stores nothing of the request', async (_, body, loc) => {
    const server = await testServer();
    const { status, answer } = await append(server, body);
    expect(status).toBe(422);
    expect(answer.detail).toContainEqual({ loc, msg: expect.any(String), type: expect.any(String) });
    expect(await server.store.plans.list({ limit: 1 })).toEqual([]);
  });

  it('names a member that it does not know, and a number that readers would round', async () => {
    const server = await testServer();
    const misspelt = await append(server, { agent_name: 'A', content: 'x', meta_data: {} });
    expect(misspelt.status).toBe(422);
    expect(JSON.stringify(misspelt.answer)).toContain('meta_data');
    const rounded = await append(server, '{"agent_name":"A","content":"","metadata":{"list":[9007199254740993]}}');
    expect(rounded).toMatchObject({
      status: 422,
      answer: { detail: [{ loc: ['body', 'metadata.list[0]'], type: 'metadata_not_json' }] },
    });
  });

  it.each([
    ['not JSON', '{"agent_name":', 400],
    ['JSON that is not UTF-8', Buffer.from('{"agent_name":"A","content":"\xff"}', 'latin1'), 400],
    ['17 MiB', JSON.stringify({ agent_name: 'A', content: 'x'.repeat(17 * 1024 * 1024) }), 413],
    ['a message of 5 MiB', JSON.stringify({ agent_name: 'A', content: 'x'.repeat(5 * 1024 * 1024) }), 413],
  ])('refuses a body that is %s', async (_, body, expected) => {
    const server = await testServer();
    const { status } = await append(server, body);
    expect(status).toBe(expected);
    expect(await stored(server)).toEqual([]);
  });

  it.each(['a%2Fb', '%00', '%ff', 'x'.repeat(257)])('refuses the plan id %s with 400', async (segment) => {
    const server = await testServer();
    const response = await post(`${server.url}/api/v1/plans/${segment}/messages`, good(1));
    expect(response.status).toBe(400);
    expect(await server.store.plans.list({ limit: 1 })).toEqual([]);
  });

  it('answers 503 within its deadline while the database is away, and the same request later stores each message once', async () => {
    const server = await testServer();
    server.faults.refuse();
    const body = { messages: [good(1), good(2)] };
    const away = await append(server, body);
    expect(away.status).toBe(503);
    expect(away.headers.get('retry-after')).toBe('1');
    expect(away.answer.results).toMatchObject([
      { message_id: 'm-1', status: 'pending', error: { code: 'not_yet_stored' } },
      { message_id: 'm-2', status: 'pending', error: { code: 'not_yet_stored' } },
    ]);
    server.faults.heal();
    // A breaker that is open lets a try through after a while.
    let back = await append(server, body);
    while (back.status === 503) back = await append(server, body);
    expect(back.status).toBe(200);
    expect(back.answer.results.map(({ sequence }: Json) => sequence)).toEqual([1, 2]);
    expect(await stored(server)).toHaveLength(2);
  });

  it('is not for pages of other origins', async () => {
    const server = await testServer();
    const response = await post(`${server.url}/api/v1/plans/plan/messages`, good(1), {
      origin: 'https://evil.example',
    });
    expect(response.status).toBe(403);
    expect(await stored(server)).toEqual([]);
  });
});

describe('PUT /api/v1/plans/{plan_id}', () => {
  it('makes a plan once, and changes its status', async () => {
    const server = await testServer();
    const about = { description: 'What it is about', session_id: 'session' };
    const made = await put(server, about);
    expect(made).toMatchObject({ status: 201, answer: { plan_id: 'plan', ...about, status: 'in_progress' } });
    expect(await put(server, about)).toMatchObject({ status: 200, answer: made.answer });
    expect(await put(server, { status: 'completed' })).toMatchObject({
      status: 200,
      answer: { ...about, status: 'completed' },
    });
    expect((await plan(server)).plan).toMatchObject({ ...about, status: 'completed', overall_status: 'completed' });
  });

  it('takes over a plan that so far only has messages', async () => {
    const server = await testServer();
    await append(server, good(1));
    expect(await put(server, { description: 'late' })).toMatchObject({ status: 201, answer: { description: 'late' } });
    expect(await stored(server)).toHaveLength(1);
  });

  it('refuses to make another plan of one that is there', async () => {
    const server = await testServer();
    await put(server, { description: 'one' });
    expect(await put(server, { description: 'other', status: 'failed' })).toMatchObject({ status: 409 });
    expect(await put(server, { session_id: 'other' })).toMatchObject({ status: 409 });
    expect((await plan(server)).plan).toMatchObject({ description: 'one', status: 'in_progress' });
  });

  it.each([
    ['a status of the runner', { status: 'pending_approval' }, 'status'],
    ['a description that is no string', { description: 1 }, 'description'],
  ])('refuses %s with 422, naming it', async (_, body, field) => {
    const server = await testServer();
    const { status, answer } = await put(server, body);
    expect(status).toBe(422);
    expect(answer.detail).toMatchObject([{ loc: ['body', field] }]);
    expect(await server.store.plans.list({ limit: 1 })).toEqual([]);
  });
});

function good(index: number): Json {
  return { agent_name: 'A', content: `message ${index}`, message_id: `m-${index}` };
}

async function append(server: TestServer, body: unknown): Promise<{ status: number; headers: Headers; answer: Json }> {
  return await call(server, 'POST', '/api/v1/plans/plan/messages', body);
}

function put(server: TestServer, body: unknown): Promise<{ status: number; headers: Headers; answer: Json }> {
  return call(server, 'PUT', '/api/v1/plans/plan', body);
}

async function call(server: TestServer, method: string, path: string, body: unknown) {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(server.url + path, { method, headers, body: text });
  return { status: response.status, headers: response.headers, answer: (await response.json()) as Json };
}

async function plan({ api }: TestServer): Promise<Json> {
  return await getJson(`${api}/plan?plan_id=plan`);
}

async function stored({ indelible }: TestServer): Promise<Json[]> {
  const rows = await indelible.store.log.read('plan', { sequence: 0, revision: 0 }, 1_000);
  return rows.messages.map(({ sequence, body }) => ({ sequence, ...JSON.parse(body) }));
}
