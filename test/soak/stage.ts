import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { oneTo } from '../../src/testing/contract/sampleMessages.ts';
import { freePort, loopback } from '../../src/testing/freePort.ts';
import { type PostgresServer, startPostgres } from '../../src/testing/postgresServer.ts';
import type { HostOptions, HostReport } from './agents/hostProcess.ts';
import { KeptProcess } from './keptProcess.ts';
import type { Lane } from './lane.ts';
import { Network } from './network.ts';
import type { SoakOptions } from './soakOptions.ts';

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const hostProgram = fileURLToPath(new URL('./agents/hostProcess.ts', import.meta.url));

export class ServerProcess extends KeptProcess {
  readonly url: string;

  constructor(name: string, folder: string, port: number, store: string) {
    const url = `http://${loopback}:${port}`;
    const args = [program, 'serve', '--store', store, '--port', String(port), '--spool', join(folder, `${name}.spool`)];
    super({ name, args, logFile: join(folder, `${name}.log`), ready: (child) => answers(child, url) });
    this.url = url;
  }

  /** Messages on its disk; undefined if it does not say. */
  async spoolDepth(): Promise<number | undefined> {
    try {
      const response = await fetch(`${this.url}/health`, { signal: AbortSignal.timeout(900) });
      return ((await response.json()) as { spool: { depth: number } }).spool.depth;
    } catch {
      return undefined;
    }
  }
}

export class HostProcess extends KeptProcess {
  readonly #heard: (report: HostReport) => void;
  #depth: number | undefined;
  #paused: (() => void) | undefined;

  constructor(options: HostOptions, logFile: string, heard: (report: HostReport) => void) {
    const args = [hostProgram, JSON.stringify(options)];
    super({ name: options.name, args, logFile, ready: (child) => this.#listen(child) });
    this.#heard = heard;
  }

  async spoolDepth(): Promise<number | undefined> {
    return this.pid === undefined ? undefined : this.#depth;
  }

  /** Resolves when all that its agents wrote is acknowledged. */
  async pause(): Promise<void> {
    this.tell('pause');
    await new Promise<void>((resolve) => {
      this.#paused = resolve;
    });
  }

  #listen(child: ChildProcess): Promise<void> {
    this.#depth = undefined;
    return new Promise((resolve) => {
      child.on('message', (message) => {
        const report = message as HostReport;
        if (report.type === 'ready') resolve();
        if (report.type === 'paused') this.#paused?.();
        if (report.type === 'second') this.#depth = report.spoolDepth;
        this.#heard(report);
      });
    });
  }
}

/** PostgreSQL behind a network that can fail, two servers, and two processes with agents inside. */
export interface Stage {
  /** Where the journals are, a folder for each plan. */
  readonly folder: string;
  readonly postgres: PostgresServer;
  readonly network: Network;
  readonly servers: readonly [ServerProcess, ServerProcess];
  readonly hosts: readonly [HostProcess, HostProcess];
  /** Past the network. */
  readonly url: string;
  close(): Promise<void>;
}

const database = 'soak';

export async function setStage(
  { seed, hostSpool }: SoakOptions,
  planIds: readonly string[],
  lanesOfHosts: readonly (readonly (Lane & { readonly atOnce: number })[])[],
  heard: (report: HostReport) => void,
): Promise<Stage> {
  const work = mkdtempSync(join(tmpdir(), 'indelible-soak-'));
  const folder = join(work, 'journals');
  mkdirSync(folder);
  const postgres = await startPostgres();
  const url = await postgres.createDatabase(database);
  await createPlans(url, planIds);
  const network = await Network.start(url, seed);
  const store = network.url;
  const [one, other] = [await freePort(), await freePort()];
  const servers = [
    new ServerProcess('server 1', work, one, store),
    new ServerProcess('server 2', work, other, store),
  ] as const;
  const [first, second] = oneTo(2).map((number) => {
    const name = `host ${number}`;
    const spool = hostSpool === 'memory' ? 'memory' : join(work, `${name}.spool`);
    const lanes = lanesOfHosts[number - 1] ?? [];
    return new HostProcess({ name, store, spool, folder, seed, lanes }, join(work, `${name}.log`), heard);
  }) as [HostProcess, HostProcess];
  return {
    folder,
    postgres,
    network,
    servers,
    hosts: [first, second],
    url,
    async close() {
      await Promise.all([...servers, first, second].map((kept) => kept.kill()));
      await network.close();
      await postgres.close();
      await rm(work, { recursive: true, force: true });
    },
  };
}

/** A database that holds plans already: into an empty one `serve` would write its demonstration. */
async function createPlans(url: string, planIds: readonly string[]): Promise<void> {
  const { plans, close } = await openPostgresStore(url);
  const createdAt = new Date().toISOString();
  for (const planId of planIds) {
    const whose = { sessionId: 'soak', userId: 'soak', teamId: 'soak' };
    await plans.create({ planId, ...whose, description: 'soak', status: 'in_progress', createdAt });
  }
  await close();
}

async function answers(child: ChildProcess, url: string): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    try {
      const { ok } = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) });
      if (ok) return;
    } catch {
      // Not yet.
    }
    await sleep(50);
  }
  await new Promise(() => {});
}
