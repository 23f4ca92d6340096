import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Hono } from 'hono';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AccessPolicy } from '../../src/server/accessPolicy.ts';
import type { AppEnv } from '../../src/server/appEnv.ts';
import { messageOrBatchSchema } from '../../src/server/appendedMessages.ts';
import { draftSchema } from '../../src/server/draftApi.ts';
import { describedRoutes } from '../../src/server/openApi/document.ts';
import { mountOpenApi } from '../../src/server/openApi/mountOpenApi.ts';
import { putPlanSchema } from '../../src/server/putPlan.ts';
import { readSchema } from '../../src/server/readApi.ts';
import { defaultLimits } from '../../src/server/serverLimits.ts';
import { updateSchema } from '../../src/server/updateApi.ts';
import { v3App } from '../../src/server/v3App.ts';
import { workplace } from '../cli/workplace.ts';
import { hasChromium, startChromium } from '../client/page.ts';
import { EventStreamClient } from '../live/eventStreamClient.ts';
import { getJson, type Json } from './http.ts';
import { sayingTeam, type TestServer, testServer } from './testServer.ts';

/** `GET /api/v1/plans/{plan_id}` for all that is mounted below /api/v1 and is no middleware. */
function mountedCalls(app: Hono<AppEnv>): string[] {
  const calls = app.routes.filter(({ method, path }) => method !== 'ALL' && path.startsWith('/api/v1/'));
  return [...new Set(calls.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`))].sort();
}

function documentedCalls(document: Json): string[] {
  return Object.entries<Json>(document.paths)
    .flatMap(([path, calls]) => Object.keys(calls).map((method) => `${method.toUpperCase()} ${path}`))
    .sort();
}

function appOf({ indelible, runner }: TestServer): Hono<AppEnv> {
  return v3App({ indelible, runner, access: new AccessPolicy({}), limits: defaultLimits });
}

describe('GET /api/v1/openapi.json', () => {
  it('is a valid document of OpenAPI 3.1; one with a mistake is found out', async () => {
    const { url } = await testServer();
    const document = await getJson(`${url}/api/v1/openapi.json`);
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(await new Validator().validate(structuredClone(document))).toMatchObject({ valid: true });
    const wrong = structuredClone(document);
    wrong.paths['/api/v1/plans'].get.responses = [];
    expect(await new Validator().validate(wrong)).toMatchObject({ valid: false });
  });

  it('has every call that is mounted below /api/v1, and no other', async () => {
    const server = await testServer();
    const document = await getJson(`${server.url}/api/v1/openapi.json`);
    const mounted = mountedCalls(appOf(server));
    expect(mounted.length).toBeGreaterThanOrEqual(12);
    expect(documentedCalls(document)).toEqual(mounted);
  });

  it('the control: a call that is mounted and not described is found out', async () => {
    const app = appOf(await testServer());
    app.get('/api/v1/plans/:plan_id/undescribed', (c) => c.json({}));
    const document: Json = await (await app.request('http://127.0.0.1/api/v1/openapi.json')).json();
    expect(mountedCalls(app).filter((call) => !documentedCalls(document).includes(call))).toEqual([
      'GET /api/v1/plans/{plan_id}/undescribed',
    ]);
  });

  it('describes nothing that is not mounted', async () => {
    const app = new Hono<AppEnv>();
    mountOpenApi(app);
    const document: Json = await (await app.request('http://127.0.0.1/api/v1/openapi.json')).json();
    expect(documentedCalls(document)).toEqual(['GET /api/v1/docs', 'GET /api/v1/openapi.json']);
  });

  it('gives bodies by the very schemas that requests are checked with', () => {
    const bodyOf = (id: string) => describedRoutes.find((route) => route.id === id)?.body?.schema;
    expect(bodyOf('appendMessages')).toBe(messageOrBatchSchema);
    expect(bodyOf('updateMessage')).toBe(updateSchema);
    expect(bodyOf('putDraft')).toBe(draftSchema);
    expect(bodyOf('putPlan')).toBe(putPlanSchema);
    expect(bodyOf('markRead')).toBe(readSchema);
  });

  it('has no two calls of one name, and an example for each body that fits its schema', async () => {
    expect(new Set(describedRoutes.map(({ id }) => id)).size).toBe(describedRoutes.length);
    for (const { body } of describedRoutes) {
      if (body) expect(body.schema.safeParse(body.example)).toMatchObject({ success: true });
    }
  });

  it('has no reference that leads nowhere', async () => {
    const { url } = await testServer();
    const document = await getJson(`${url}/api/v1/openapi.json`);
    const names = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name,
    );
    expect(names.length).toBeGreaterThan(20);
    expect([...new Set(names)].filter((name) => !Object.hasOwn(document.components.schemas, name as string))).toEqual(
      [],
    );
  });
});

/** Calls with what they are answered, by status. Each is made as it stands, in this order, on one server. */
const append = '/api/v1/plans/p/messages';
const message = (id: string, content = id) => ({ agent_name: 'A', content, message_id: id });
const calls: readonly (readonly [status: number, method: string, path: string, body?: unknown])[] = [
  [200, 'POST', append, { ...message('m1'), metadata: { a: [1] } }],
  [200, 'POST', append, { messages: [message('m1'), message('m2')].slice(1) }],
  [207, 'POST', append, { messages: [message('m2'), message('m2', 'other')] }],
  [409, 'POST', append, message('m2', 'other')],
  [413, 'POST', append, message('large', 'x'.repeat(5 * 1024 * 1024))],
  [413, 'POST', append, message('large', 'x'.repeat(17 * 1024 * 1024))],
  [422, 'POST', append, { agent_name: '' }],
  [400, 'POST', append, 'not JSON'],
  [400, 'POST', '/api/v1/plans/%ff/messages', message('m')],
  [200, 'PUT', `${append}/m1`, { version: 1, content: 'new' }],
  [409, 'PUT', `${append}/m1`, { version: 1, content: 'newer' }],
  [404, 'PUT', `${append}/none`, { version: 1, content: 'newer' }],
  [413, 'PUT', `${append}/m1`, { version: 2, content: 'x'.repeat(5 * 1024 * 1024) }],
  [422, 'PUT', `${append}/m1`, { version: 2 }],
  [200, 'PUT', '/api/v1/plans/p/drafts/d', { agent_name: 'A', text: 'half' }],
  [409, 'PUT', '/api/v1/plans/p/drafts/d', { agent_name: 'A', text: 'half', offset: 5 }],
  [422, 'PUT', '/api/v1/plans/p/drafts/d', { agent_name: 'A' }],
  [204, 'DELETE', '/api/v1/plans/p/drafts/d'],
  [201, 'PUT', '/api/v1/plans/p', { description: 'About' }],
  [200, 'PUT', '/api/v1/plans/p', { status: 'completed' }],
  [409, 'PUT', '/api/v1/plans/p', { description: 'Other' }],
  [200, 'GET', '/api/v1/plans'],
  [200, 'GET', '/api/v1/plans?plan_id=p&plan_id=q'],
  [400, 'GET', '/api/v1/plans?plan_id='],
  [200, 'GET', `${append}?limit=1`],
  [400, 'GET', `${append}?after=none`],
  [200, 'PUT', '/api/v1/plans/p/read', { sequence: 1 }],
  [404, 'PUT', '/api/v1/plans/none/read', { sequence: 1 }],
  [422, 'POST', '/api/v1/plans/asks/answer', {}],
  [409, 'POST', '/api/v1/plans/asks/answer', { request_id: 'another', approved: true }],
  [200, 'POST', '/api/v1/plans/asks/answer', { approved: true, text: 'but soon' }],
  [409, 'POST', '/api/v1/plans/asks/answer', { approved: false }],
  [404, 'POST', '/api/v1/plans/none/answer', { approved: true }],
  [200, 'POST', '/api/v1/plans/asks-too/cancel'],
  [409, 'POST', '/api/v1/plans/asks-too/cancel'],
  [404, 'POST', '/api/v1/plans/none/cancel'],
  [426, 'GET', '/api/v1/socket'],
  [200, 'GET', '/api/v1/openapi.json'],
];

describe('what calls answer', () => {
  it('is what the document says, to the last member', async () => {
    const server = await testServer({ teams: [{ ...sayingTeam(1), needsApproval: true }] });
    for (const planId of ['asks', 'asks-too']) {
      const { ended } = await server.runner.start({ description: 'Ask first', planId });
      expect(await ended).toBe('pending_approval');
    }
    const document = await getJson(`${server.url}/api/v1/openapi.json`);
    const check = checker(document);
    for (const [status, method, path, body] of calls) {
      const answer = await fetch(server.url + path, { method, ...(body !== undefined && { body: textOf(body) }) });
      expect([method, path, answer.status]).toEqual([method, path, status]);
      expect([method, path, ...check(method, path, status, await answer.text())]).toEqual([method, path]);
    }
    server.faults.refuse();
    for (const [method, path, body] of [
      ['POST', append, message('m9')],
      ['PUT', `${append}/m1`, { version: 2, content: 'x' }],
      ['DELETE', '/api/v1/plans/p/drafts/d'],
      ['GET', '/api/v1/plans'],
      ['GET', append],
      ['PUT', '/api/v1/plans/p/read', { sequence: 1 }],
    ] as const) {
      const answer = await fetch(server.url + path, { method, ...(body !== undefined && { body: textOf(body) }) });
      expect([method, path, answer.status, answer.headers.get('retry-after')]).toEqual([method, path, 503, '1']);
      expect([method, path, ...check(method, path, 503, await answer.text())]).toEqual([method, path]);
    }
  });

  it('covers every call and each 2xx of it but those of pages and streams', async () => {
    const { url } = await testServer();
    const document = await getJson(`${url}/api/v1/openapi.json`);
    const made = new Set(calls.map(([status, method, path]) => `${status} ${method} ${templateOf(document, path)}`));
    const promised = Object.entries<Json>(document.paths).flatMap(([path, operations]) =>
      Object.entries<Json>(operations).flatMap(([method, { responses }]) =>
        Object.keys(responses)
          .filter((status) => /^2/.test(status))
          .map((status) => `${status} ${method.toUpperCase()} ${path}`),
      ),
    );
    expect(promised.filter((one) => !made.has(one))).toEqual([
      // With a spool: see below. Pages and streams are no JSON.
      '202 POST /api/v1/plans/{plan_id}/messages',
      '200 GET /api/v1/plans/{plan_id}/events',
      '200 GET /api/v1/docs',
    ]);
  });

  it('202, too: of what is on the server’s disk', async () => {
    const server = await testServer({ spool: join(workplace(), 'spool') });
    const check = checker(await getJson(`${server.url}/api/v1/openapi.json`));
    server.faults.refuse();
    for (const body of [message('m1'), { messages: [message('m2')] }]) {
      const answer = await fetch(server.url + append, { method: 'POST', body: JSON.stringify(body) });
      expect([answer.status, ...check('POST', append, 202, await answer.text())]).toEqual([202]);
    }
  });

  it('a void cursor, and the stream, too', async () => {
    const server = await testServer();
    const check = checker(await getJson(`${server.url}/api/v1/openapi.json`));
    await server.save('p', 1, 3);
    const { cursor } = await getJson(`${server.url}${append}`);
    const stream = new EventStreamClient(`${server.url}/api/v1/plans/p/events?after=${encodeURIComponent(cursor)}`);
    expect((await stream.response).headers['content-type']).toMatch(/^text\/event-stream/);
    const other = await testServer();
    const reset = await (await fetch(`${other.url}${append}?after=${encodeURIComponent(cursor)}`)).text();
    expect(JSON.parse(reset)).toEqual({ plan_id: 'p', reset: true });
    expect(check('GET', append, 200, reset)).toEqual([]);
  });

  it('the control: an answer with a member more, one less, or one of another type is found out', async () => {
    const { url } = await testServer();
    const check = checker(await getJson(`${url}/api/v1/openapi.json`));
    const right = { plan_id: 'p', read: 1, unread: 0 };
    const path = '/api/v1/plans/p/read';
    expect(check('PUT', path, 200, JSON.stringify(right))).toEqual([]);
    for (const wrong of [
      { ...right, more: 1 },
      { plan_id: 'p', read: 1 },
      { ...right, unread: '0' },
    ]) {
      expect(check('PUT', path, 200, JSON.stringify(wrong))).not.toEqual([]);
    }
    expect(check('PUT', path, 409, JSON.stringify(right))).toEqual(['409 is not in the document']);
  });
});

describe('requests', () => {
  it('that the document refuses the server refuses, and that it takes are taken', async () => {
    const server = await testServer();
    const document = await getJson(`${server.url}/api/v1/openapi.json`);
    const schema =
      document.paths['/api/v1/plans/{plan_id}/messages'].post.requestBody.content['application/json'].schema;
    const validate = ajvOf(document).compile(schema);
    for (const body of [
      message('m'),
      { ...message('m'), metadata: {} },
      { ...message('m'), metadata: [] },
      { ...message('m'), meta_data: {} },
      { ...message('a/b') },
      { ...message('') },
      { agent_name: '', content: '' },
      { agent_name: 'x'.repeat(257), content: '' },
      { ...message('m2'), type: 'final_result_message' },
      { ...message('m3'), type: 'ping' },
      { messages: [message('m4')] },
      { messages: [message('m4'), {}] },
      { messages: Array.from({ length: 1_001 }, (_, index) => message(`n${index}`)) },
      [],
      null,
    ]) {
      const { status } = await fetch(server.url + append, { method: 'POST', body: JSON.stringify(body) });
      expect([JSON.stringify(body).slice(0, 80), validate(body)]).toEqual([
        JSON.stringify(body).slice(0, 80),
        status !== 422,
      ]);
    }
  });
});

describe('GET /api/v1/docs', () => {
  it('names every call and schema, and needs nothing but itself', async () => {
    const { url } = await testServer();
    const document = await getJson(`${url}/api/v1/openapi.json`);
    const response = await fetch(`${url}/api/v1/docs`, { headers: { accept: 'text/html' } });
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = await response.text();
    for (const calls of Object.values<Json>(document.paths)) {
      for (const { operationId } of Object.values<Json>(calls)) expect(page).toContain(`id="${operationId}"`);
    }
    for (const name of Object.keys(document.components.schemas)) expect(page).toContain(`id="schema-${name}"`);
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|undefined|\[object/);
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links.filter((id) => !page.includes(`id="${id}"`))).toEqual([]);
  });

  it.skipIf(!hasChromium)('is drawn by a browser without a complaint, and no wider than a phone', async () => {
    const { url } = await testServer();
    const browser = await startChromium();
    onTestFinished(() => browser.close());
    const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
    const complaints: string[] = [];
    page.on('console', (said) => complaints.push(said.text()));
    page.on('request', (request) => complaints.push(request.url()));
    await page.goto(`${url}/api/v1/docs`);
    expect(complaints).toEqual([`${url}/api/v1/docs`]);
    expect(await page.evaluate('getComputedStyle(document.querySelector("main > h2")).marginTop')).toBe('56px');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    const nested = await page.locator('i:has(*), i i, a a').count();
    expect(nested).toBe(0);
    expect(await page.locator('.call').first().innerText()).toBe('POST\n/api/v1/plans/{plan_id}/messages');
  });

  it('shows no host that could be more than a name', async () => {
    const app = new Hono<AppEnv>();
    mountOpenApi(app);
    const page = await (await app.request("http://a'$(x)/api/v1/docs")).text();
    expect(page).not.toContain('$(x)');
    expect(page).toContain('http://127.0.0.1:4000/api/v1/');
  });
});

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function templateOf(document: Json, path: string): string {
  const [bare = ''] = path.split('?');
  const fits = (template: string) => new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(bare);
  const templates = Object.keys(document.paths).filter(fits);
  return templates.find((template) => template === bare) ?? templates[0] ?? bare;
}

function ajvOf(document: Json): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true }, unicodeRegExp: true });
  ajv.addSchema({ $id: 'document', ...document });
  const compile = ajv.compile.bind(ajv);
  ajv.compile = ((schema: Json) =>
    compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')))) as never;
  return ajv;
}

/** What of an answer is not as the document says. Members that the document does not name are not: objects are closed. */
function checker(document: Json): (method: string, path: string, status: number, text: string) => string[] {
  const closed = JSON.parse(JSON.stringify(document), (_, value) =>
    value?.type === 'object' && value.properties !== undefined && value.additionalProperties === undefined
      ? { ...value, additionalProperties: false }
      : value,
  );
  const ajv = ajvOf(closed);
  return (method, path, status, text) => {
    const { responses } = closed.paths[templateOf(closed, path)][method.toLowerCase()];
    if (responses[status] === undefined) return [`${status} is not in the document`];
    const schema = responses[status].content?.['application/json']?.schema;
    if (schema === undefined) return text === '' ? [] : [`${status} has no body in the document`];
    const validate = ajv.compile(schema);
    return validate(JSON.parse(text)) ? [] : [ajv.errorsText(validate.errors), text.slice(0, 300)];
  };
}
