/** The server process of bench/read/section.ts: serves a plan of each database, and one of their answers as a buffer. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openIndelible } from '../../src/agents/indelible.ts';
import { Runner } from '../../src/runs/runner.ts';
import { startServer } from '../../src/server/startServer.ts';

/** First which stores to serve, then any number of times what was used. */
export type ServerQuestion =
  | { readonly stores: readonly string[]; readonly planId: string; readonly withBuffer: boolean }
  | { readonly usage: true };

export interface ServerAnswer {
  /** GET of the plan, of each store in the order asked. */
  readonly urls: readonly string[];
  /** Of the buffer, if it was asked for. */
  readonly bufferUrl: string;
  /** Used by this process so far, in µs. */
  readonly cpu: number;
  /** The most memory this process has had, in bytes. */
  readonly peak: number;
}

let served: Pick<ServerAnswer, 'urls' | 'bufferUrl'> = { urls: [], bufferUrl: '' };
const closing: (() => Promise<unknown>)[] = [];

process.on('message', async (question: ServerQuestion) => {
  if ('stores' in question) {
    const urls = await Promise.all(question.stores.map((store) => serveStore(store, question.planId)));
    served = { urls, bufferUrl: question.withBuffer ? await serveBuffer(urls[0] as string) : '' };
  }
  const { user, system } = process.cpuUsage();
  process.send?.({ ...served, cpu: user + system, peak: peakMemory() } satisfies ServerAnswer);
});
process.on('disconnect', async () => {
  for (const close of closing.reverse()) await close();
});

async function serveBuffer(ofUrl: string): Promise<string> {
  const buffer = Buffer.from(await (await fetch(ofUrl)).arrayBuffer());
  const fixed = createServer((_, response) => response.end(buffer)).listen(0, '127.0.0.1');
  await once(fixed, 'listening');
  closing.push(async () => {
    fixed.closeAllConnections();
    fixed.close();
  });
  return `http://127.0.0.1:${(fixed.address() as AddressInfo).port}/`;
}

async function serveStore(store: string, planId: string): Promise<string> {
  const indelible = await openIndelible({ store });
  const runner = new Runner(indelible, [
    { id: 'none', name: 'None', description: 'Never runs', agents: [], run: () => Promise.reject(new Error('no run')) },
  ]);
  const server = await startServer({ indelible, runner, port: 0 });
  closing.push(
    () => indelible.close(),
    () => runner.close(1_000),
    () => server.close(),
  );
  return `${server.url}/api/v3/plan?plan_id=${planId}`;
}

/** Of this program alone: the system's own count goes on with that of the process that started it. See proc(5). */
function peakMemory(): number {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
