import { describe, expect, it } from 'vitest';
import { LiveTestClient } from '../live/liveTestClient.ts';
import { type Json, post } from './http.ts';
import { type TestServer, testServer } from './testServer.ts';

describe('PUT /api/v1/plans/{plan_id}/messages/{message_id}', () => {
  it('changes what it names and leaves the rest, at the same place, and tells who watches', async () => {
    const server = await serverWithMessage();
    const client = await LiveTestClient.open(server);
    await client.subscribed('p');
    const { status, answer } = await update(server, 'm', { version: 1, content: 'better' });
    expect(status).toBe(200);
    expect(answer).toMatchObject({ plan_id: 'p', message_id: 'm', sequence: 1, version: 2 });
    expect(answer.message).toMatchObject({ content: 'better', metadata: { draft: true }, agent_name: 'A' });
    await client.until(() => client.ofType('message').some(({ version }) => version === 2));
    const again = await update(server, 'm', { version: 2, metadata: { reviewed: [1, null] } });
    expect(again.answer).toMatchObject({
      version: 3,
      message: { content: 'better', metadata: { reviewed: [1, null] } },
    });
  });

  it('P12: of 20 who change the same version one is answered 200, and all others 409 with what it says now', async () => {
    const server = await serverWithMessage();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => update(server, 'm', { version: 1, content: `by ${index}` })),
    );
    const winners = answers.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    for (const { status, answer } of answers.filter((one) => one !== winners[0])) {
      expect(status).toBe(409);
      expect(answer).toMatchObject({
        plan_id: 'p',
        message_id: 'm',
        sequence: 1,
        version: 2,
        message: { content: winners[0]?.answer.message.content },
        error: { code: 'version_conflict', field: 'version', remedy: expect.any(String) },
        detail: 'the message has version 2, not 1',
      });
    }
  });

  it('keeps every text as it was sent', async () => {
    const server = await serverWithMessage();
    const text = 'NUL \u0000 half \ud800 🙂 \u202e \u2028 "quoted" \\';
    const metadata = `{"__proto__":{"x":1},"t":${JSON.stringify(text)}}`;
    const { answer } = await update(
      server,
      'm',
      `{"version":1,"content":${JSON.stringify(text)},"metadata":${metadata}}`,
    );
    expect(answer.message.content).toBe(text);
    expect(JSON.stringify(answer.message.metadata)).toBe(metadata);
  });

  it('answers 404 for a message that is not there, with its code', async () => {
    const server = await serverWithMessage();
    expect(await update(server, 'other', { version: 1, content: 'x' })).toMatchObject({
      status: 404,
      answer: { plan_id: 'p', message_id: 'other', error: { code: 'message_not_found' }, detail: expect.any(String) },
    });
  });

  it.each([
    ['no version', { content: 'x' }, ['body', 'version']],
    ['version 0', { version: 0, content: 'x' }, ['body', 'version']],
    ['a version that is text', { version: '1', content: 'x' }, ['body', 'version']],
    ['nothing to change', { version: 1 }, ['body', 'content']],
    ['content that is no string', { version: 1, content: null }, ['body', 'content']],
    ['metadata that is no object', { version: 1, metadata: [] }, ['body', 'metadata']],
    ['a member that is not known', { version: 1, content: 'x', agent_name: 'B' }, ['body']],
    ['metadata that readers would round', '{"version":1,"metadata":{"n":9007199254740993}}', ['body', 'metadata.n']],
  ])('refuses %s with 422, naming the place, and changes nothing', async (_, body, loc) => {
    const server = await serverWithMessage();
    const { status, answer } = await update(server, 'm', body);
    expect(status).toBe(422);
    expect(answer.detail).toContainEqual({ loc, msg: expect.any(String), type: expect.any(String) });
    expect(await server.indelible.find('p', 'm')).toMatchObject({ version: 1, content: 'first' });
  });

  it('refuses ids that are none with 400, a message that grows too large with 413', async () => {
    const server = await serverWithMessage();
    for (const id of ['%00', '%ff', 'x'.repeat(257)]) {
      expect((await update(server, id, { version: 1, content: 'x' })).status).toBe(400);
    }
    const large = { version: 1, content: 'x'.repeat(5 * 1024 * 1024) };
    expect(await update(server, 'm', large)).toMatchObject({
      status: 413,
      answer: { error: { code: 'message_too_large' } },
    });
  });

  it('answers 503 with Retry-After while the database is away, also by one that never answers', async () => {
    const server = await serverWithMessage();
    for (const fault of ['refuse', 'hang'] as const) {
      server.faults[fault]();
      const away = await update(server, 'm', { version: 1, content: fault });
      expect([away.status, away.headers.get('retry-after')]).toEqual([503, '1']);
    }
    // What hung was given up on by the server, not undone: the caller is told so by a conflict that says its own content.
    server.faults.heal();
    await expect.poll(() => server.indelible.find('p', 'm')).toMatchObject({ version: 2, content: 'hang' });
    const again = await update(server, 'm', { version: 1, content: 'hang' });
    expect(again).toMatchObject({ status: 409, answer: { version: 2, message: { content: 'hang' } } });
  });
});

async function serverWithMessage(): Promise<TestServer> {
  const server = await testServer();
  const message = { agent_name: 'A', message_id: 'm', content: 'first', metadata: { draft: true } };
  expect((await post(`${server.url}/api/v1/plans/p/messages`, message)).status).toBe(200);
  return server;
}

async function update(server: TestServer, id: string, body: unknown) {
  const response = await fetch(`${server.url}/api/v1/plans/p/messages/${id}`, {
    method: 'PUT',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, answer: (await response.json()) as Json };
}
