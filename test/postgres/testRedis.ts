import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { freePort, loopback } from '../../src/testing/freePort.ts';
import { startTcpProxy } from '../../src/testing/tcpProxy.ts';

/** A Redis that can die and come back. */
export interface TestRedis {
  readonly url: string;
  kill(): Promise<void>;
  start(): Promise<void>;
}

const program = 'redis-server';
const given = process.env['REDIS_URL'] ?? ((await listens(6379)) ? `redis://${loopback}:6379` : undefined);
const how = canRun() ? 'own' : given === undefined ? 'none' : 'given';

/** Whether there is one: a `redis-server` to start, or one that REDIS_URL names or that listens on 127.0.0.1:6379. */
export const hasRedis = how !== 'none';

/** For the name of a test that needs one: without it, it says that it was left out. */
export const leftOut = hasRedis ? '' : ' (left out: there is no redis-server to start, and no REDIS_URL)';

/** Until the test is finished. */
export async function testRedis(): Promise<TestRedis> {
  const redis = how === 'own' ? await startOwn() : await reachGiven(given as string);
  onTestFinished(() => redis.kill());
  return redis;
}

/** In memory only, on a free port; killed by `kill -9`. */
async function startOwn(): Promise<TestRedis> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', loopback, '--save', '', '--appendonly', 'no'];
  let kill = async () => {};
  const start = async () => {
    const running = spawn(program, args, { cwd: '/', stdio: 'ignore' });
    kill = async () => {
      if (running.exitCode !== null || running.signalCode !== null) return;
      const gone = once(running, 'exit');
      running.kill('SIGKILL');
      await gone;
    };
    while (!(await listens(port))) await sleep(5);
  };
  await start();
  return { url: `redis://${loopback}:${port}`, start, kill: () => kill() };
}

/** It goes on; but nobody reaches it while it is said to be dead. */
async function reachGiven(url: string): Promise<TestRedis> {
  const network = await startTcpProxy({ target: url });
  return { url: network.through(url), start: () => network.pass(), kill: () => network.refuse() };
}

function canRun(): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, loopback);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
