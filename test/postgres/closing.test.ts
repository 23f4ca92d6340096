import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { NotifyWake } from '../../src/store/postgres/notifyWake.ts';
import { startTcpProxy, type TcpProxy } from '../../src/testing/tcpProxy.ts';
import { databaseOfTest } from './database.ts';
import { hasRedis, leftOut, testRedis } from './testRedis.ts';

const program = fileURLToPath(new URL('closingProcess.ts', import.meta.url));

describe('a process that closes its log ends, and leaves nothing behind,', () => {
  it.each([
    ['with the network as it should be', (network: TcpProxy) => network.pass()],
    ['with the database out of reach', (network: TcpProxy) => network.refuse()],
    ['with a network that swallows everything', (network: TcpProxy) => network.blackHole()],
  ])('%s', async (_, fault) => {
    const { url } = await databaseOfTest();
    const network = await networkTo(url);
    const child = start(network.through(url), 'notify');
    await saying(child, 'ready');
    await fault(network);
    child.stdin?.end();
    await saying(child, 'closed');
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  it('while it is still connecting through a network that swallows everything', async () => {
    const { url } = await databaseOfTest();
    const network = await networkTo(url);
    await network.blackHole();
    const { log, close } = await openPostgresStore(url, { wake: new NotifyWake(network.through(url)) });
    log.onCommit(() => {});
    await expect.poll(() => network.connections).toBe(1);
    // Whatever the connection throws when it is given up must not reach the process.
    await close();
  });

  it.skipIf(!hasRedis)(`with a Redis that is swallowed${leftOut}`, async () => {
    const { url } = await databaseOfTest();
    const redis = await testRedis();
    const network = await networkTo(redis.url);
    const child = start(url, network.through(redis.url));
    await saying(child, 'ready');
    await network.blackHole();
    child.stdin?.end();
    await saying(child, 'closed');
    expect((await once(child, 'exit'))[0]).toBe(0);
  });
});

async function networkTo(url: string): Promise<TcpProxy> {
  const network = await startTcpProxy({ target: url });
  onTestFinished(() => network.close());
  return network;
}

function start(store: string, wake: string): ChildProcess {
  const child = spawn(process.execPath, [program, store, wake], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

async function saying(child: ChildProcess, word: string): Promise<void> {
  const { stdout } = child as { readonly stdout: NodeJS.ReadableStream };
  for (let said = ''; !said.includes(word); ) said += String((await once(stdout, 'data'))[0]);
}
