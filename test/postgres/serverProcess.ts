import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { freePort, loopback } from '../../src/testing/freePort.ts';

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const patienceMs = 30_000;

export interface ServerProcessOptions {
  /** What `--store` takes. */
  readonly store: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** For `node`. */
  readonly nodeOptions?: readonly string[];
  /** For `serve`. */
  readonly args?: readonly string[];
}

/** `indelible serve` in a process of its own, always on the same port, that can be killed and started again. */
export class ServerProcess {
  readonly url: string;
  readonly #port: number;
  readonly #options: ServerProcessOptions;
  #process: ChildProcess | undefined;
  /** Its working directory: its spool is there, and nobody else's. */
  readonly #folder = mkdtempSync(join(tmpdir(), 'indelible-server-'));
  #said = '';

  private constructor(port: number, options: ServerProcessOptions) {
    this.url = `http://${loopback}:${port}`;
    this.#port = port;
    this.#options = options;
    onTestFinished(() => rmSync(this.#folder, { recursive: true, maxRetries: 3 }));
  }

  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    const server = new ServerProcess(await freePort(), options);
    await server.start();
    return server;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const { store, environment = {}, nodeOptions = [], args: more = [] } = this.#options;
    const args = [...nodeOptions, program, 'serve', '--store', store, '--port', String(this.#port), ...more];
    const child = spawn(process.execPath, args, {
      cwd: this.#folder,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (piece: Buffer) => {
        this.#said = (this.#said + piece.toString()).slice(-10_000);
      });
    }
    const deadline = performance.now() + patienceMs;
    while (!(await this.#answers())) {
      const gone = child.exitCode !== null;
      if (gone || performance.now() > deadline) throw new Error(`the server does not answer:\n${this.#said}`);
      await sleep(20);
    }
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** In good order. Answers the exit code. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined) return 0;
    if (child.exitCode !== null) throw new Error(`the server ended by itself with ${child.exitCode}:\n${this.#said}`);
    const gone = once(child, 'exit');
    child.kill(signal);
    return (await gone)[0] as number | null;
  }

  async #answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/api/v3/health`, { signal: AbortSignal.timeout(2_000) })).status < 500;
    } catch {
      return false;
    }
  }
}
