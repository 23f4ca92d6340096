import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { IndelibleError } from '../../src/protocol/errors.ts';
import { isLoopback } from '../../src/server/loopback.ts';
import { startServer } from '../../src/server/startServer.ts';
import type { Fault } from '../../src/testing/faults.ts';
import { getJson, post } from './http.ts';
import { RawWebSocket } from './rawWebSocket.ts';
import { gate, plainHttpServer, team, testServer } from './testServer.ts';
import { refusedUpgrade, socketUrl, watch } from './watchingClient.ts';

async function refusal(options: { host?: string; port?: number; insecure?: boolean }): Promise<IndelibleError> {
  const { indelible, runner } = await testServer();
  try {
    const server = await startServer({ indelible, runner, port: 0, ...options });
    await server.close();
  } catch (error) {
    if (IndelibleError.is(error)) return error;
    throw error;
  }
  throw new Error('it listens');
}

describe('starting', () => {
  it.each(['0.0.0.0', '::', '192.168.0.1', '10.0.0.1', 'example.com', 'localhost.example.com', '127.0.0.1.nip.io', ''])(
    'on %j without insecure is refused: there is no authentication',
    async (host) => {
      expect(await refusal({ host })).toMatchObject({ code: 'insecure_listen', field: 'host' });
    },
  );

  it('on any address is done if it is called insecure', async () => {
    const { indelible, runner } = await testServer();
    const server = await startServer({ indelible, runner, host: '0.0.0.0', port: 0, insecure: true });
    expect((await getJson(`http://127.0.0.1:${server.port}/api/v3/health`)).status).toBe('healthy');
    await server.close();
  });

  it('tells where it listens', async () => {
    const { indelible, runner } = await testServer();
    for (const [host, url] of [
      [undefined, 'http://127.0.0.1:'],
      ['localhost', 'http://localhost:'],
      ['127.1.2.3', 'http://127.1.2.3:'],
    ] as const) {
      const server = await startServer({ indelible, runner, port: 0, ...(host && { host }) });
      expect(server.url).toBe(`${url}${server.port}`);
      expect((await getJson(`${server.url}/api/v3/health`)).status).toBe('healthy');
      await server.close();
    }
  });

  it('where it cannot listen names what is wrong', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    expect(await refusal({ port })).toMatchObject({ code: 'invalid_config', field: 'port' });
    expect(await refusal({ port: 65_536 })).toMatchObject({ code: 'invalid_config', field: 'port' });
    expect(await refusal({ host: '192.0.2.1', insecure: true })).toMatchObject({
      code: 'invalid_config',
      field: 'host',
    });
    taken.close();
  });

  it('on a server that is there already answers the same', async () => {
    const server = await testServer({ on: plainHttpServer() });
    expect((await getJson(`${server.api}/health`)).status).toBe('healthy');
    expect((await watch(server, 'p')).frames[0].type).toBe('connection_established');
  });

  it('knows loopback addresses from others', () => {
    const loopback = [
      'localhost',
      'LOCALHOST',
      'a.localhost',
      '127.0.0.1',
      '127.255.255.254',
      '::1',
      '[::1]',
      '::ffff:127.0.0.1',
    ];
    const others = [
      '',
      '0.0.0.0',
      '::',
      '128.0.0.1',
      '127.0.0.1.example',
      'localhost.example',
      '1270.0.0.1',
      '::ffff:10.0.0.1',
      '::2',
    ];
    expect(loopback.map(isLoopback)).toEqual(loopback.map(() => true));
    expect(others.map(isLoopback)).toEqual(others.map(() => false));
  });
});

describe('closing', () => {
  it('closes sockets with 1001, lets answers end that have begun, waits no longer, and takes nothing new', async () => {
    const on = plainHttpServer();
    on.keepAliveTimeout = 3_600_000;
    const server = await testServer({ on, limits: { closeTimeoutMs: 3_600_000 } });
    const content = 'x'.repeat(10_000);
    await Promise.all(
      Array.from({ length: 2_000 }, () => server.indelible.save({ planId: 'p', agentName: 'a', content })),
    );
    const client = await watch(server, 'q');
    const response = await fetch(`${server.api}/plan?plan_id=p`);
    const closing = server.close();
    expect(((await response.json()) as { messages: unknown[] }).messages).toHaveLength(2_000);
    expect(await client.closed).toBe(1001);
    await closing;
    await expect(fetch(`${server.api}/health`)).rejects.toThrow();
    expect(await server.close()).toBeUndefined();
  });

  it('does not wait for connections that are idle', async () => {
    const server = await testServer({ limits: { closeTimeoutMs: 3_600_000 } });
    await getJson(`${server.api}/health`);
    await server.close();
  });

  it('ends in bounded time, whatever peers do: one that reads nothing, one that says nothing, one that answers never', async () => {
    const server = await testServer({ limits: { closeTimeoutMs: 200 } });
    const deaf = await RawWebSocket.open(server.port, 'p');
    deaf.tcp.pause();
    await server.save('p', 1, 100, () => 'x'.repeat(50_000));
    const silent = connect(server.port, '127.0.0.1');
    silent.write('GET /api/v3/health HTTP/1.1\r\n');
    const half = connect(server.port, '127.0.0.1');
    half.write('POST /api/v3/process_request HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{');
    for (const socket of [silent, half]) socket.on('error', () => {});
    await getJson(`${server.api}/health`);
    await server.close();
    for (const socket of [silent, half, deaf.tcp]) socket.destroy();
  });

  it('refuses sockets that were about to open', async () => {
    const server = await testServer();
    const asked = gate();
    const answer = gate();
    server.faults.script = async ({ name }): Promise<Fault> => {
      if (name !== 'heads') return 'none';
      asked.open();
      await answer.opened;
      return 'none';
    };
    const upgrade = refusedUpgrade(socketUrl(server, 'p'));
    await asked.opened;
    const closing = server.close();
    answer.open();
    await expect(upgrade).resolves.toBe(503);
    await closing;
  });

  it('leaves runs alone: they go on to their end', async () => {
    const going = gate();
    const server = await testServer({ teams: [team(async () => going.opened.then(() => 'done'))] });
    await post(`${server.api}/process_request`, { description: 'x' });
    await server.close();
    going.open();
    await server.happened('run_completed');
  });
});
