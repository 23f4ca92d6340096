import { describe, expect, it } from 'vitest';
import { IndelibleError } from '../../src/protocol/errors.ts';
import { AccessPolicy } from '../../src/server/accessPolicy.ts';
import { getJson, post, raw } from './http.ts';
import { type TestServer, testServer } from './testServer.ts';
import { refusedUpgrade, socketUrl } from './watchingClient.ts';

const foreign = [
  'https://evil.example',
  'null',
  'https://app.example.com.evil.tld',
  'https://evilapp.example.com',
  'http://app.example.com',
  'https://app.example.com:444',
  'https://app.example.com@evil.example',
  'http://localhost.evil.example',
  'http://127.0.0.1.evil.example',
  'http://127.0.0.1@evil.example',
  'file://',
  'nonsense',
  '',
];

const corsHeaders = (response: Response) =>
  [...response.headers.keys()].filter((name) => name.startsWith('access-control-'));
const healthOver = (server: TestServer, origin: string) => fetch(`${server.api}/health`, { headers: { origin } });

describe('a page', () => {
  it.each(foreign)('of the foreign origin %j is told nothing, can do nothing and opens no socket', async (origin) => {
    const server = await testServer({ allowedOrigins: ['https://app.example.com'] });
    const read = await healthOver(server, origin);
    expect(corsHeaders(read)).toEqual([]);
    expect(read.headers.get('vary')).toBe('Origin');
    const preflight = await fetch(`${server.api}/process_request`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect(corsHeaders(preflight)).toEqual([]);
    const write = await post(`${server.api}/process_request`, { description: 'x' }, { origin });
    expect([write.status, corsHeaders(write), await write.json()]).toEqual([403, [], { detail: expect.any(String) }]);
    expect(await getJson(`${server.api}/plans`)).toEqual([]);
    expect(await refusedUpgrade(socketUrl(server, 'p'), { headers: { origin } })).toBe(403);
  });

  it('of an allowed origin reads, writes and opens sockets', async () => {
    const server = await testServer({ allowedOrigins: ['https://app.example.com', 'http://other.example:3000/'] });
    for (const origin of ['https://app.example.com', 'http://other.example:3000', server.url]) {
      const preflight = await fetch(`${server.api}/process_request`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type,x-ms-client-principal-id',
        },
      });
      expect([preflight.status, Object.fromEntries(preflight.headers)]).toEqual([
        204,
        expect.objectContaining({
          'access-control-allow-origin': origin,
          'access-control-allow-methods': expect.stringContaining('POST'),
          'access-control-allow-headers': 'content-type,x-ms-client-principal-id',
        }),
      ]);
      const write = await post(`${server.api}/process_request`, { description: 'x' }, { origin });
      expect([write.status, write.headers.get('access-control-allow-origin')]).toEqual([200, origin]);
      const missing = await fetch(`${server.api}/plan?plan_id=none`, { headers: { origin } });
      expect([missing.status, missing.headers.get('access-control-allow-origin')]).toEqual([404, origin]);
      expect(await refusedUpgrade(socketUrl(server, 'p'), { headers: { origin } })).toBe(101);
    }
  });

  it('of this machine is allowed unless origins are named', async () => {
    const open = await testServer();
    const named = await testServer({ allowedOrigins: ['https://app.example.com'] });
    for (const origin of ['http://localhost:3000', 'http://127.0.0.1:5173', 'http://[::1]:3000', 'https://localhost']) {
      expect(corsHeaders(await healthOver(open, origin))).toContain('access-control-allow-origin');
      expect(corsHeaders(await healthOver(named, origin))).toEqual([]);
    }
    expect(corsHeaders(await healthOver(open, 'http://localhost.evil.example'))).toEqual([]);
  });

  it('that is none, a program, needs no origin', async () => {
    const server = await testServer({ allowedOrigins: ['https://app.example.com'] });
    expect(await refusedUpgrade(socketUrl(server, 'p'))).toBe(101);
    expect((await post(`${server.api}/process_request`, { description: 'x' })).status).toBe(200);
  });
});

describe('a host name', () => {
  const get = (server: TestServer, host: string) =>
    raw(server.port, `GET /api/v3/plans HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, { head: true });

  it('that somebody pointed at this machine is refused: it would make a foreign page the own origin', async () => {
    const server = await testServer({ allowedOrigins: ['https://app.example.com'] });
    for (const host of ['evil.example', `evil.example:${server.port}`, 'localhost.evil.example', '10.0.0.1', 'a b']) {
      expect((await get(server, host)).status).toBe(host === 'a b' ? 400 : 403);
    }
    const headers = { host: `evil.example:${server.port}`, origin: `http://evil.example:${server.port}` };
    expect(await refusedUpgrade(socketUrl(server, 'p'), { headers })).toBe(403);
  });

  it('of this machine, of an allowed origin, or any where something in front authenticates, is answered', async () => {
    const server = await testServer({ allowedOrigins: ['https://app.example.com'] });
    for (const host of [`localhost:${server.port}`, '127.0.0.1', '[::1]:80', 'app.example.com', 'LOCALHOST']) {
      expect((await get(server, host)).status).toBe(200);
    }
    expect((await get(await testServer({ insecure: true }), 'any.example')).status).toBe(200);
  });
});

describe('an allowed origin', () => {
  it.each([
    '*',
    'app.example.com',
    'https://app.example.com/path',
    'https://user@app.example.com',
    '',
    'null',
    'ftp://x',
  ])('that is none, %j, is refused when the server starts, naming it', (origin) => {
    const make = () => new AccessPolicy({ allowedOrigins: ['https://ok.example', origin] });
    expect(make).toThrow(IndelibleError);
    expect(make).toThrow(expect.objectContaining({ code: 'invalid_config', field: 'allowedOrigins[1]' }));
  });
});
