import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, loopback } from '../../src/testing/freePort.ts';

/** Whether there is a `redis-server` to start. */
export const hasRedisServer = (() => {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** For the name of a test that needs one: without it, it says that it was left out. */
export const leftOut = hasRedisServer ? '' : ' (left out: there is no redis-server to start)';

/** A Redis of one's own, in memory only, on a free port, that can be killed and started again. */
export class RedisServer {
  readonly #port: number;
  #process: ChildProcess | undefined;

  private constructor(port: number) {
    this.#port = port;
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://${loopback}:${this.#port}`;
  }

  async start(): Promise<void> {
    const options = ['--port', String(this.#port), '--bind', loopback, '--save', '', '--appendonly', 'no'];
    this.#process = spawn('redis-server', options, { cwd: '/', stdio: 'ignore' });
    while (!(await this.#listens())) await sleep(5);
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    const killed = this.#process;
    if (killed === undefined) return;
    const gone = once(killed, 'exit');
    killed.kill('SIGKILL');
    await gone;
    this.#process = undefined;
  }

  #listens(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.#port, loopback);
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
  }
}
