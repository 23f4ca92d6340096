import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { ManualClock, startTcpProxy, type TcpProxy, type TcpProxyOptions } from 'indelible/testing';
import { afterEach, describe, expect, it } from 'vitest';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server that answers what it is sent, and remembers it, connection by connection. */
async function echoServer() {
  const served: { readonly socket: Socket; heard: string; end: 'open' | 'ended' | 'reset' }[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const connection: (typeof served)[number] = { socket, heard: '', end: 'open' };
    served.push(connection);
    socket.on('data', (piece) => {
      connection.heard += piece.toString('latin1');
      socket.write(piece);
    });
    socket.on('end', () => {
      connection.end = 'ended';
      socket.end();
    });
    socket.on('error', () => {
      connection.end = 'reset';
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  cleanups.push(async () => {
    for (const { socket } of served) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { server, served, address };
}

async function proxyTo(target: string, options: Partial<TcpProxyOptions> = {}): Promise<TcpProxy> {
  const proxy = await startTcpProxy({ ...options, target });
  cleanups.push(() => proxy.close());
  return proxy;
}

function client(address: string) {
  const [host = '', port] = address.split(':');
  const socket = connect({ host, port: Number(port) });
  cleanups.push(() => socket.destroy());
  const connection = { socket, heard: '', error: '', closed: false };
  socket.on('data', (piece) => {
    connection.heard += piece.toString('latin1');
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    connection.error = error.code ?? '';
  });
  socket.on('close', () => {
    connection.closed = true;
  });
  return connection;
}

function addressOf(proxy: TcpProxy): string {
  return `${proxy.host}:${proxy.port}`;
}

/** Looks until it is so; the test's own time limit bounds it. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Long enough for anything that is not held back: other bytes make the same way several times. */
async function meanwhile(address: string): Promise<void> {
  for (let round = 1; round <= 5; round++) {
    const other = client(address);
    other.socket.write('meanwhile');
    await until(() => other.heard === 'meanwhile');
    other.socket.destroy();
  }
}

describe('A proxy that passes', () => {
  it('is a network that changes nothing, however much goes over it, up to the last byte after an end', async () => {
    const { served, address } = await echoServer();
    const proxy = await proxyTo(address);
    const much = randomBytes(8 * 1024 * 1024);
    const sender = client(addressOf(proxy));
    sender.socket.end(much);
    await once(sender.socket, 'close');
    expect(Buffer.from(sender.heard, 'latin1').equals(much)).toBe(true);
    expect(served[0]?.end).toBe('ended');
    await until(() => proxy.connections === 0);
    expect(proxy.accepted).toBe(1);
  });

  it('passes on that a side broke off, and that the server does not run', async () => {
    const { server, served, address } = await echoServer();
    const proxy = await proxyTo(address);
    const one = client(addressOf(proxy));
    one.socket.write('1');
    await until(() => one.heard === '1');
    one.socket.resetAndDestroy();
    await until(() => served[0]?.end === 'reset');

    const two = client(addressOf(proxy));
    two.socket.write('2');
    await until(() => two.heard === '2');
    served[1]?.socket.resetAndDestroy();
    await until(() => two.closed);
    expect(two.error).toBe('ECONNRESET');

    server.close();
    const three = client(addressOf(proxy));
    await until(() => three.closed);
    expect(three.error).toBe('ECONNRESET');
    await until(() => proxy.connections === 0);
  });

  it('leads there by the URL of the server, and by no other', async () => {
    const { address } = await echoServer();
    const proxy = await proxyTo(`postgres://user:secret@${address}/database`);
    expect(proxy.through(`postgres://user:secret@${address}/other?a=1`)).toBe(
      `postgres://user:secret@${addressOf(proxy)}/other?a=1`,
    );
    const invalidUrl = expect.objectContaining({ code: 'invalid_config', field: 'url' });
    expect(() => proxy.through('postgres://127.0.0.1:1/database')).toThrow(invalidUrl);
    expect(() => proxy.through('nonsense')).toThrow(invalidUrl);
    await expect(startTcpProxy({ target: 'nowhere' })).rejects.toMatchObject({
      code: 'invalid_config',
      field: 'target',
    });
  });
});

describe('A proxy that refuses', () => {
  it('is a server that does not run: new connections are refused, old ones reset; passing mends it', async () => {
    const { served, address } = await echoServer();
    const proxy = await proxyTo(address);
    const old = client(addressOf(proxy));
    old.socket.write('old');
    await until(() => old.heard === 'old');

    await proxy.refuse();
    const refused = client(addressOf(proxy));
    await until(() => old.closed && refused.closed && served[0]?.end !== 'open');
    expect([old.error, refused.error, served[0]?.end]).toEqual(['ECONNRESET', 'ECONNREFUSED', 'reset']);

    await proxy.pass();
    await meanwhile(addressOf(proxy));
  });

  it('can be switched to and fro without waiting, and is what was asked for last', async () => {
    const { address } = await echoServer();
    const proxy = await proxyTo(address);
    await Promise.all([proxy.refuse(), proxy.pass(), proxy.refuse(), proxy.reset(), proxy.refuse()]);
    const refused = client(addressOf(proxy));
    await until(() => refused.closed);
    expect(refused.error).toBe('ECONNREFUSED');
    await Promise.all([proxy.pass(), proxy.refuse(), proxy.pass()]);
    await meanwhile(addressOf(proxy));
  });
});

describe('A proxy that resets', () => {
  it('takes new connections and resets them at once, and old ones', async () => {
    const { served, address } = await echoServer();
    const proxy = await proxyTo(address);
    const old = client(addressOf(proxy));
    old.socket.write('old');
    await until(() => old.heard === 'old');

    await proxy.reset();
    const fresh = client(addressOf(proxy));
    await until(() => old.closed && fresh.closed && served[0]?.end !== 'open');
    expect([old.error, fresh.error, served.length]).toEqual(['ECONNRESET', 'ECONNRESET', 1]);
  });

  it('once resets only the connections there are', async () => {
    const { address } = await echoServer();
    const proxy = await proxyTo(address);
    const old = client(addressOf(proxy));
    old.socket.write('old');
    await until(() => old.heard === 'old');
    proxy.resetConnections();
    await until(() => old.closed);
    expect(old.error).toBe('ECONNRESET');
    await meanwhile(addressOf(proxy));
  });
});

describe('A proxy that is a black hole', () => {
  it('takes connections and lets nothing pass, on old ones either; what was sent arrives once it is mended', async () => {
    const { served, address } = await echoServer();
    const proxy = await proxyTo(address);
    const old = client(addressOf(proxy));
    old.socket.write('a');
    await until(() => old.heard === 'a');

    await proxy.blackHole();
    const fresh = client(addressOf(proxy));
    await once(fresh.socket, 'connect');
    fresh.socket.write('x');
    old.socket.write('b');
    old.socket.write('c');
    served[0]?.socket.write('d');
    await meanwhile(address);
    expect([old.heard, fresh.heard, served[0]?.heard]).toEqual(['a', '', 'a']);

    await proxy.pass();
    await until(() => old.heard.length === 4 && fresh.heard === 'x');
    expect([old.heard, served[0]?.heard]).toEqual(['adbc', 'abc']);
  });

  it('does not tell the server that a client is gone; later it delivers what that client had sent', async () => {
    const { served, address } = await echoServer();
    const proxy = await proxyTo(address);
    const gone = client(addressOf(proxy));
    gone.socket.write('a');
    await until(() => gone.heard === 'a');

    await proxy.blackHole();
    gone.socket.write('b');
    gone.socket.destroy();
    await meanwhile(address);
    expect([served[0]?.heard, served[0]?.end]).toEqual(['a', 'open']);

    await proxy.pass();
    await until(() => served[0]?.end !== 'open');
    expect(served[0]?.heard).toBe('ab');
    await until(() => proxy.connections === 0);
  });

  it('forgets what it holds when it turns into a refusal', async () => {
    const { served, address } = await echoServer();
    const proxy = await proxyTo(address);
    const old = client(addressOf(proxy));
    old.socket.write('a');
    await until(() => old.heard === 'a');
    await proxy.blackHole();
    old.socket.write('b');
    await meanwhile(address);
    await proxy.refuse();
    await until(() => served[0]?.end !== 'open');
    expect(served[0]?.heard).toBe('a');
  });

  it('makes a sender wait instead of keeping all it sends', async () => {
    const { served, address } = await echoServer();
    const proxy = await proxyTo(address);
    const sender = client(addressOf(proxy));
    sender.socket.write('a');
    await until(() => sender.heard === 'a');
    await proxy.blackHole();
    const much = Buffer.alloc(64 * 1024 * 1024, 'b');
    sender.socket.write(much);
    await meanwhile(address);
    await meanwhile(address);
    expect(sender.socket.writableLength).toBeGreaterThan(0);
    await proxy.pass();
    await until(() => served[0]?.heard.length === much.length + 1);
  });
});

describe('A half-open connection', () => {
  it.each([
    ['fromClient', { client: 'aB', server: 'a' }],
    ['fromServer', { client: 'a', server: 'ab' }],
  ] as const)('loses only what comes %s', async (lost, expected) => {
    const { served, address } = await echoServer();
    const proxy = await proxyTo(address);
    const one = client(addressOf(proxy));
    one.socket.write('a');
    await until(() => one.heard === 'a');
    await proxy.halfOpen(lost);
    one.socket.write('b');
    served[0]?.socket.write('B');
    await meanwhile(address);
    await until(() => one.heard === expected.client && served[0]?.heard === expected.server);
    await proxy.pass();
    await until(() => one.heard.length === 3 && served[0]?.heard === 'ab');
  });
});

describe('A slow network', () => {
  it('delivers everything later, both ways, in its order whatever the jitter', async () => {
    const { served, address } = await echoServer();
    const clock = new ManualClock();
    const proxy = await proxyTo(address, { clock, seed: 7 });
    const one = client(addressOf(proxy));
    await proxy.delay(100, 50);
    one.socket.write('a');
    await until(() => clock.waiting === 1);
    clock.advance(99);
    await meanwhile(address);
    expect(served[0]?.heard).toBe('');
    clock.advance(51);
    await until(() => served[0]?.heard === 'a' && clock.waiting === 1);
    clock.advance(99);
    await meanwhile(address);
    expect(one.heard).toBe('');
    clock.advance(51);
    await until(() => one.heard === 'a');

    let sent = 'a';
    for (const letter of 'bcdefghij') {
      sent += letter;
      one.socket.write(letter);
      clock.advance(3);
      await new Promise((resolve) => setImmediate(resolve));
    }
    while (one.heard.length < sent.length) {
      clock.advance(5);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([one.heard, served[0]?.heard]).toEqual([sent, sent]);
  });

  it('draws the same delays from the same seed', async () => {
    const dueTimes = async (seed: number) => {
      const { address } = await echoServer();
      const clock = new ManualClock();
      const waits: number[] = [];
      const noting = Object.assign(Object.create(clock) as ManualClock, {
        now: () => 0,
        monotonic: () => 0,
        schedule: (ms: number, action: () => void) => {
          waits.push(ms);
          setImmediate(action);
          return () => {};
        },
      });
      const proxy = await proxyTo(address, { clock: noting, seed });
      await proxy.delay(0, 1_000);
      client(addressOf(proxy)).socket.write('a');
      await until(() => waits.length > 0);
      return waits[0];
    };
    expect(await dueTimes(3)).toBe(await dueTimes(3));
    expect(await dueTimes(3)).not.toBe(await dueTimes(4));
  });
});

describe('A proxy that is closed', () => {
  it('leaves nothing behind: connections are reset, the port is free', async () => {
    const { served, address } = await echoServer();
    const proxy = await startTcpProxy({ target: address });
    const one = client(addressOf(proxy));
    one.socket.write('a');
    await until(() => one.heard === 'a');
    await proxy.blackHole();
    await proxy.close();
    await until(() => one.closed && served[0]?.end !== 'open');
    expect(proxy.connections).toBe(0);
    const next = createServer();
    next.listen(proxy.port, proxy.host);
    await once(next, 'listening');
    next.close();
    await proxy.close();
  });
});
