import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Indelible } from '../../src/agents/indelible.ts';
import { Runner } from '../../src/runs/runner.ts';
import { startServer } from '../../src/server/startServer.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { serveProcess } from '../cli/server.ts';
import { inDatabase, withPlan, workplace } from '../cli/workplace.ts';
import { LiveTestClient } from '../live/liveTestClient.ts';
import { getJson, type Json, post } from './http.ts';
import { ManualClock } from './manualClock.ts';
import { sayingTeam, testServer } from './testServer.ts';

const silenceMs = 60_000;

describe('PUT /api/v1/plans/{plan_id}/drafts/{draft_id}', () => {
  it('shows the text so far to who watches, and its message takes its place', async () => {
    const { url, port } = await testServer();
    const client = await watching(port);
    expect(await put(url, { text: 'The ' })).toEqual({
      status: 200,
      answer: { plan_id: 'p', draft_id: 'd', length: 4 },
    });
    await put(url, { text: 'The train ' });
    await put(url, { text: 'takes ', offset: 10 });
    await client.until(() => drawn(client) === 'The train takes ');
    expect(client.ofType('draft').map(({ offset, text }) => [offset, text])).toEqual([
      [0, ''],
      [0, 'The '],
      [4, 'train '],
      [10, 'takes '],
    ]);
    const late = await watching(port);
    await late.until(() => drawn(late) === 'The train takes ');
    await append(url, 'The train takes three hours.');
    for (const one of [client, late]) {
      await one.until(() => one.sequences('p').length === 1);
      expect(one.ofType('draft').at(-1)).toMatchObject({ draft_id: 'd', done: true });
      expect(one.frames.findIndex((frame) => frame.type === 'draft' && frame.done === true)).toBeLessThan(
        one.frames.findIndex(({ type }) => type === 'message'),
      );
    }
  });

  it('5.3: is durable within 250 ms and a commit, and gone when its message is stored', async () => {
    const { url, store } = await testServer();
    await put(url, { text: 'half of ' });
    const row = async () => (await store.drafts.ofPlans(['p'])).map(({ draftId, text }) => [draftId, text]);
    await expect.poll(row, { interval: 20, timeout: 1_000 }).toEqual([['d', 'half of ']]);
    await put(url, { text: 'half of "it" ' });
    await expect.poll(row, { interval: 20, timeout: 1_000 }).toEqual([['d', 'half of "it" ']]);
    await append(url, 'half of "it" and the rest');
    await expect.poll(row).toEqual([]);
  });

  it('replaces what was there from the offset on; other text than before is begun anew', async () => {
    const { url, port } = await testServer();
    const client = await watching(port);
    await put(url, { text: 'one two' });
    await put(url, { text: 'three', offset: 4 });
    await client.until(() => drawn(client) === 'one three');
    await put(url, { text: 'other' });
    await client.until(() => drawn(client) === 'other');
    const { answer } = await put(url, { text: '', offset: 5 });
    expect(answer.length).toBe(5);
  });

  it('refuses a piece behind a hole with 409, and the whole text mends it', async () => {
    const { url, port } = await testServer();
    const client = await watching(port);
    await put(url, { text: 'one ' });
    expect(await put(url, { text: 'three', offset: 8 })).toMatchObject({
      status: 409,
      answer: {
        error: { code: 'draft_gap', field: 'offset' },
        detail: 'the server has 4 characters of this draft, not 8',
      },
    });
    expect((await put(url, { text: 'one two three' })).status).toBe(200);
    await client.until(() => drawn(client) === 'one two three');
  });

  it.each([
    ['no agent_name', { agent_name: undefined, text: 'x' }, 422],
    ['an empty agent_name', { agent_name: '', text: 'x' }, 422],
    ['no text', {}, 422],
    ['a negative offset', { text: 'x', offset: -1 }, 422],
    ['half an offset', { text: 'x', offset: 0.5 }, 422],
    ['a member that is not known', { text: 'x', done: true }, 422],
  ])('refuses %s, and shows nothing', async (_, body, status) => {
    const { url, indelible } = await testServer();
    expect((await put(url, body)).status).toBe(status);
    expect(await indelible.feed.drafts('p')).toEqual([]);
  });

  it('refuses ids that are none with 400, a body over 16 MiB with 413', async () => {
    const { url } = await testServer();
    expect((await put(url, { text: 'x' }, '%ff')).status).toBe(400);
    expect((await put(url, { text: 'x'.repeat(17 * 1024 * 1024) })).status).toBe(413);
  });

  it('follows 1,000 answers at once, and says so of the next', async () => {
    const { url, indelible } = await testServer();
    for (let index = 0; index < 1_000; index++) await put(url, { text: '' }, `d${index}`);
    expect(await put(url, { text: 'x' }, 'more')).toMatchObject({
      status: 429,
      answer: { error: { code: 'too_many_drafts' } },
    });
    await append(url, 'done', 'd0');
    expect((await put(url, { text: 'x' }, 'more')).status).toBe(200);
    expect((await indelible.feed.drafts('p')).map(({ draftId }) => draftId)).toContain('more');
  });

  it('keeps the beginning of an answer over 1 Mi characters, and takes what comes behind it', async () => {
    const { url, indelible } = await testServer();
    const text = 'x'.repeat(1024 * 1024 - 1);
    await put(url, { text });
    expect((await put(url, { text: 'yz', offset: text.length })).answer.length).toBe(text.length + 2);
    expect((await put(url, { text: '!', offset: text.length + 2 })).answer.length).toBe(text.length + 3);
    expect((await indelible.feed.drafts('p'))[0]?.text).toBe(`${text}y`);
  });

  it('goes on, and agents with it, while the database is away', async () => {
    const { url, port, faults, store } = await testServer();
    const client = await watching(port);
    faults.refuse();
    expect((await put(url, { text: 'in the dark' })).status).toBe(200);
    await client.until(() => drawn(client) === 'in the dark');
    faults.heal();
    await expect
      .poll(async () => (await store.drafts.ofPlans(['p']))[0]?.text, { timeout: 10_000 })
      .toBe('in the dark');
  });

  it('that comes late, behind its message, leaves no draft', async () => {
    const { url, indelible, store } = await testServer();
    await append(url, 'The whole.');
    await put(url, { text: 'The ' });
    await expect.poll(() => indelible.feed.drafts('p')).toEqual([]);
    await expect.poll(() => store.drafts.abandoned('9999', 10)).toEqual([]);
  });
});

describe('DELETE /api/v1/plans/{plan_id}/drafts/{draft_id}', () => {
  it('gives the answer up: gone for watchers, readers and the database, and no message comes of it', async () => {
    const clock = new ManualClock(silenceMs);
    const { url, port, store, indelible } = await testServer({ clock });
    const client = await watching(port);
    await put(url, { text: 'never mind' });
    await expect.poll(() => store.drafts.ofPlans(['p'])).toHaveLength(1);
    expect(await giveUp(url)).toBe(204);
    expect(await store.drafts.abandoned('9999', 10)).toEqual([]);
    expect(await indelible.feed.drafts('p')).toEqual([]);
    await client.until(() => client.ofType('draft').at(-1)?.done === true);
    expect(clock.waiting).toBe(0);
    expect(await giveUp(url)).toBe(204);
  });

  it('is 503 while the database is away, and does it all the same when that is back', async () => {
    const { url, store, faults } = await testServer();
    await put(url, { text: 'never mind' });
    await expect.poll(() => store.drafts.ofPlans(['p'])).toHaveLength(1);
    faults.refuse();
    expect(await giveUp(url)).toBe(503);
    faults.heal();
    await expect.poll(() => store.drafts.abandoned('9999', 10), { timeout: 10_000 }).toEqual([]);
  });

  it('may be followed by another try under the same id', async () => {
    const { url, port } = await testServer();
    const client = await watching(port);
    await put(url, { text: 'first try' });
    await giveUp(url);
    await put(url, { text: 'second' });
    await client.until(() => drawn(client) === 'second');
    await append(url, 'second try');
    await client.until(() => client.sequences('p').length === 1);
  });
});

describe('an agent that is silent', () => {
  it('5.3: for too long counts as dead: its text so far is a message, marked interrupted', async () => {
    const clock = new ManualClock(silenceMs);
    const { url, port, happened, indelible, store } = await testServer({ clock });
    const client = await watching(port);
    await put(url, { text: 'half of "it" ' });
    await expect.poll(() => indelible.drafts.hasWritten('p', 'd')).toBe(true);
    clock.run();
    await happened('draft_recovered');
    await client.until(() => client.sequences('p').length === 1);
    const { message } = client.ofType('message')[0] as { message: Json };
    expect(message).toMatchObject({
      message_id: 'd',
      content: 'half of "it" ',
      agent_name: 'A',
      metadata: { interrupted: true },
    });
    await expect.poll(() => store.drafts.abandoned('9999', 10)).toEqual([]);
  });

  it('and was only slow loses nothing: its whole answer takes the place of the part, as an update', async () => {
    const clock = new ManualClock(silenceMs);
    const { url, happened, indelible } = await testServer({ clock });
    await put(url, { text: 'half of "it" ' });
    clock.run();
    await happened('draft_recovered');
    expect(await append(url, 'half of "it" and the rest')).toMatchObject({ status: 'stored', sequence: 1 });
    expect(await indelible.find('p', 'd')).toMatchObject({
      content: 'half of "it" and the rest',
      version: 2,
      metadata: {},
    });
  });

  it('lives as long as it says anything, be it nothing new', async () => {
    const { url, events } = await testServer({ limits: { draftSilenceMs: 400 } });
    for (let sign = 0; sign < 8; sign++) {
      await put(url, sign === 0 ? { text: 'thinking' } : { text: '', offset: 8 });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(events.map(({ type }) => type)).not.toContain('message_stored');
    await expect.poll(() => events.map(({ type }) => type)).toContain('draft_recovered');
  });

  it('during an outage leaves its text as a message when the database is back', async () => {
    const clock = new ManualClock(silenceMs);
    const { url, faults, indelible } = await testServer({ clock });
    faults.refuse();
    await put(url, { text: 'in the dark' });
    clock.run();
    await new Promise((resolve) => setTimeout(resolve, 200));
    faults.heal();
    await expect
      .poll(() => indelible.find('p', 'd'), { timeout: 10_000 })
      .toMatchObject({ content: 'in the dark', metadata: { interrupted: true } });
  });

  it('that had said nothing leaves nothing', async () => {
    const clock = new ManualClock(silenceMs);
    const { url, indelible } = await testServer({ clock });
    await put(url, { text: '' });
    expect(await indelible.feed.drafts('p')).toHaveLength(1);
    clock.run();
    await expect.poll(() => indelible.feed.drafts('p')).toEqual([]);
    expect(await indelible.find('p', 'd')).toBeUndefined();
  });
});

describe('with several servers on one database', () => {
  it('an agent that goes on at another server is not taken for dead by the first, and both show one text', async () => {
    const clock = new ManualClock(silenceMs);
    const [one, other] = await twoServers(clock);
    const client = await watching(one.port);
    await put(one.url, { text: 'one ' });
    await expect.poll(() => one.indelible.drafts.hasWritten('p', 'd')).toBe(true);
    expect((await put(other.url, { text: 'two ', offset: 4 })).status).toBe(409);
    await put(other.url, { text: 'one two ' });
    await client.until(() => drawn(client) === 'one two ');
    await put(one.url, { text: 'one two three ' });
    await client.until(() => drawn(client) === 'one two three ');
    await put(other.url, { text: 'one two three four' });
    await expect.poll(() => other.indelible.drafts.hasWritten('p', 'd')).toBe(true);
    await client.until(() => drawn(client) === 'one two three four');
    clock.run();
    await expect.poll(() => one.indelible.drafts.hasWritten('p', 'd')).toBe(false);
    expect(await one.indelible.find('p', 'd')).toBeUndefined();
    expect((await one.indelible.store.drafts.ofPlans(['p']))[0]?.text).toBe('one two three four');
    await append(other.url, 'one two three four five');
    await client.until(() => client.sequences('p').length === 1);
  });

  it('an answer whose message was appended at another, or that was given up there, leaves nothing at the first', async () => {
    const clock = new ManualClock(silenceMs);
    const [one, other] = await twoServers(clock);
    await put(one.url, { text: 'half' }, 'd1');
    await put(one.url, { text: 'half' }, 'd2');
    await expect.poll(() => one.indelible.drafts.hasWritten('p', 'd2')).toBe(true);
    await append(other.url, 'whole', 'd1');
    expect(await giveUp(other.url, 'd2')).toBe(204);
    clock.run();
    await expect.poll(() => one.indelible.feed.drafts('p')).toEqual([]);
    await expect.poll(() => one.indelible.store.drafts.abandoned('9999', 10)).toEqual([]);
    expect(await one.indelible.find('p', 'd2')).toBeUndefined();
    expect(await one.indelible.find('p', 'd1')).toMatchObject({ content: 'whole', version: 1 });
  });

  async function twoServers(clock: ManualClock) {
    const folder = workplace();
    const start = async (indelible: Indelible) => {
      const server = await startServer({ indelible, runner: new Runner(indelible, [sayingTeam(1)]), port: 0 });
      onTestFinished(async () => {
        await server.close();
        await indelible.close();
      });
      return { url: server.url, port: server.port, indelible };
    };
    const store = () => openSqliteStore(join(folder, 'log.db'));
    return [await start(new Indelible(store(), { clock })), await start(new Indelible(store()))] as const;
  }
});

it('5.3: the server is killed in the middle of an answer, and what is older than 250 ms and a commit is there for the next', async () => {
  const folder = workplace();
  await withPlan(folder);
  const { process: server, url } = await serveProcess(folder);
  let text = '';
  for (const word of 'A remote agent writes an answer, and its server dies. '.split(/(?<= )/)) {
    await put(url, { text: word, offset: text.length });
    text += word;
  }
  await new Promise((resolve) => setTimeout(resolve, 750));
  await server.kill('SIGKILL');
  const rows = await inDatabase(folder, ({ drafts }) => drafts.ofPlans(['p']));
  expect(rows).toMatchObject([{ draftId: 'd', text }]);
  const next = await serveProcess(folder);
  expect((await getJson(`${next.url}/api/v1/plans/p/messages`)).messages).toEqual([]);
  expect((await put(next.url, { text: 'more', offset: text.length })).status).toBe(409);
  expect((await put(next.url, { text: `${text}more` })).status).toBe(200);
  expect(await append(next.url, `${text}more.`)).toMatchObject({ status: 'stored', sequence: 1 });
});

describe('POST /api/v1/plans/{plan_id}/messages while the database is away', () => {
  it('says `spooled` with 202 of what is on the server’s disk, once however often it is sent, and stores it in its order', async () => {
    const folder = workplace();
    const server = await testServer({ spool: join(folder, 'spool') });
    server.faults.refuse();
    const message = (id: string) => ({ agent_name: 'A', content: id, message_id: id });
    const send = async (body: unknown) => {
      const response = await post(`${server.url}/api/v1/plans/p/messages`, body);
      return [response.status, response.headers.get('retry-after'), await response.json()];
    };
    const [status, retry, answer] = await send(message('m1'));
    expect([status, retry]).toEqual([202, null]);
    expect(answer).toMatchObject({ status: 'spooled', error: { code: 'spooled', remedy: expect.any(String) } });
    expect(answer).not.toHaveProperty('sequence');
    expect(await send({ messages: [message('m1'), message('m2')] })).toMatchObject([
      202,
      null,
      { results: [{ status: 'spooled' }, { status: 'spooled' }] },
    ]);
    server.faults.heal();
    await expect
      .poll(async () => (await getJson(`${server.url}/api/v1/plans/p/messages`)).messages.length, { timeout: 10_000 })
      .toBe(2);
    expect(await send({ messages: [message('m1'), message('m2')] })).toMatchObject([
      200,
      null,
      {
        results: [
          { sequence: 1, duplicate: true },
          { sequence: 2, duplicate: true },
        ],
      },
    ]);
  });

  it('tells in each place of a batch what waits in memory and what was not accepted: 503 with Retry-After', async () => {
    const server = await testServer({ persistence: { maxQueuedMessages: 1 } });
    server.faults.refuse();
    const messages = ['m1', 'm2'].map((id) => ({ agent_name: 'A', content: id, message_id: id }));
    const response = await post(`${server.url}/api/v1/plans/p/messages`, { messages });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await response.json()).toMatchObject({
      results: [
        { message_id: 'm1', status: 'pending', error: { code: 'not_yet_stored' } },
        { message_id: 'm2', status: 'refused', error: { code: 'queue_full' } },
      ],
    });
  });
});

async function watching(port: number): Promise<LiveTestClient> {
  const client = await LiveTestClient.open({ port });
  await client.subscribed('p');
  return client;
}

/** The text of the draft `d`, as PROTOCOL.md has a client put it together. */
function drawn(client: LiveTestClient): string | undefined {
  let text: string | undefined;
  for (const piece of client.ofType('draft', 'p')) {
    if (piece.offset === 0) text = piece.text;
    else if (text !== undefined && piece.offset <= text.length) text = text.slice(0, piece.offset) + piece.text;
  }
  return text;
}

async function put(url: string, body: Json, id = 'd'): Promise<{ status: number; answer: Json }> {
  const response = await fetch(`${url}/api/v1/plans/p/drafts/${id}`, {
    method: 'PUT',
    body: JSON.stringify({ agent_name: 'A', ...body }),
  });
  return { status: response.status, answer: await response.json() };
}

async function giveUp(url: string, id = 'd'): Promise<number> {
  return (await fetch(`${url}/api/v1/plans/p/drafts/${id}`, { method: 'DELETE' })).status;
}

async function append(url: string, content: string, id = 'd'): Promise<Json> {
  return (await post(`${url}/api/v1/plans/p/messages`, { agent_name: 'A', content, message_id: id })).json();
}
