import { openIndelible } from '../../src/agents/indelible.ts';
import { ClientProcess } from '../clientProcess.ts';
import { withDatabaseFiles } from '../databaseFiles.ts';
import { figures, percentile, quantities, ratio, type Section } from '../figures.ts';
import { deadlineMs } from '../loads.ts';
import type { BenchOptions } from '../options.ts';
import { withBenchDatabase } from '../peers/database.ts';
import { serverCpu } from '../postgres/serverCpu.ts';
import type { Progress } from '../progress.ts';
import type { ReaderAnswer, ReaderQuestion } from '../reader.ts';
import { inRounds } from '../rounds.ts';
import { Workload } from '../workload.ts';
import type { ServerAnswer, ServerQuestion } from './serverProcess.ts';

const about = `Ms for GET /api/v3/plan of a plan with 10,000 messages of 600 bytes, one after the other from another process,
beside the same bytes as a buffer that a bare node:http server holds ready in the server's process. CPU is what the server's
process and PostgreSQL used for a message. Then the most memory a server's process ever had, each a fresh one: one that
sent such a plan 100 times, and one that sent a plan with 1,000,000 messages once, to a client that takes it and forgets it.`;

const units = {
  GET: 'ms',
  'CPU of the server': 'µs/msg',
  'CPU of PostgreSQL': 'µs/msg',
  'peak memory': 'MiB',
} as const;
type Measured = Partial<Record<keyof typeof units, number>>;

const fixed = 'static buffer';
const stores = ['SQLite', 'PostgreSQL'] as const;
type StoreName = (typeof stores)[number];
type Addresses = Readonly<Record<StoreName, string>>;

export function measureRead(options: BenchOptions, progress: Progress): Promise<Section> {
  return withDatabaseFiles(options.directory, (newPath) =>
    withBenchDatabase(options.directory, (database) =>
      database.withEmpty(async (url) => {
        const addresses = { SQLite: `sqlite:${newPath()}`, PostgreSQL: url };
        const section = await measureOn(addresses, options, progress);
        return { ...section, about: `${about}\n\nOn ${database.description}.` };
      }),
    ),
  );
}

async function measureOn(addresses: Addresses, options: BenchOptions, progress: Progress): Promise<Section> {
  const [short, long] = options.quick ? [200, 2_000] : [10_000, 1_000_000];
  for (const store of stores) {
    progress(`filling ${store}`);
    await fill(addresses[store], 'short', short);
    await fill(addresses[store], 'long', long);
  }
  const found = {
    ...(await measureGets(addresses, short, options, progress)),
    ...(await measurePeaks(addresses, { short, long }, options, progress)),
  };
  const compare = (of: string, to: string, quantity: keyof typeof units, atMost: number) =>
    ratio(`${of} / ${to}`, quantities(found[of] ?? [], quantity), quantities(found[to] ?? [], quantity), { atMost });
  return {
    name: 'read',
    about,
    figures: Object.entries(found).flatMap(([name, rounds]) => figures(name, rounds, units)),
    ratios: [
      compare('SQLite', fixed, 'GET', 2.5),
      compare('PostgreSQL', fixed, 'GET', 6),
      ...stores.map((store) => compare(peakName(store, long), peakName(store, short), 'peak memory', 1.2)),
    ],
  };
}

function measureGets(
  addresses: Addresses,
  messages: number,
  { seconds, rounds }: BenchOptions,
  progress: Progress,
): Promise<Record<string, Measured[]>> {
  return withServer(Object.values(addresses), 'short', true, async (server, { urls, bufferUrl }) => {
    const usedByPostgres = await serverCpu(addresses.PostgreSQL);
    const client = new ClientProcess<ReaderQuestion, ReaderAnswer>('./reader.ts');
    const times = Math.max(2, Math.round(seconds * 5));
    const get = (url: string) => async (): Promise<Measured> => {
      const [cpu, cpuOfPostgres] = [(await server.ask({ usage: true })).cpu, usedByPostgres?.() ?? 0];
      const { ms, bytes } = await client.ask({ url, times });
      const used = (await server.ask({ usage: true })).cpu - cpu;
      if (bytes < messages * 600) throw new Error(`an answer had ${bytes} bytes`);
      return {
        GET: percentile(ms, 0.5),
        'CPU of the server': used / times / messages,
        ...(usedByPostgres && { 'CPU of PostgreSQL': (usedByPostgres() - cpuOfPostgres) / times / messages }),
      };
    };
    try {
      // Servers run for long: what is measured is code that the engine has seen before.
      for (const url of [...urls, bufferUrl]) await client.ask({ url, times: times * 4 });
      const contenders = stores.map((store, place) => [store, get(urls[place] as string)] as const);
      return await inRounds<string, Measured>(
        { [fixed]: get(bufferUrl), ...Object.fromEntries(contenders) },
        rounds,
        progress,
      );
    } finally {
      await client.end();
    }
  });
}

/** In one round: how much memory there is at most hardly depends on what else the machine does. */
async function measurePeaks(
  addresses: Addresses,
  lengths: { readonly short: number; readonly long: number },
  { quick, rounds }: BenchOptions,
  progress: Progress,
): Promise<Record<string, Measured[]>> {
  const found: Record<string, Measured[]> = {};
  for (const store of stores) {
    for (const [planId, times] of [
      ['short', quick ? 2 : 100],
      ['long', 1],
    ] as const) {
      const name = peakName(store, lengths[planId]);
      progress(name);
      const peak = await withServer([addresses[store]], planId, false, async (server, { urls }) => {
        const client = new ClientProcess<ReaderQuestion, ReaderAnswer>('./reader.ts');
        await client.ask({ url: urls[0] as string, times });
        await client.end();
        return (await server.ask({ usage: true })).peak / 2 ** 20;
      });
      found[name] = Array.from({ length: rounds }, () => ({ 'peak memory': peak }));
    }
  }
  return found;
}

function peakName(store: StoreName, messages: number): string {
  return `${store}, ${messages.toLocaleString('en')} messages`;
}

async function withServer<T>(
  addresses: readonly string[],
  planId: string,
  withBuffer: boolean,
  action: (server: ClientProcess<ServerQuestion, ServerAnswer>, served: ServerAnswer) => Promise<T>,
): Promise<T> {
  const server = new ClientProcess<ServerQuestion, ServerAnswer>('./read/serverProcess.ts');
  try {
    return await action(server, await server.ask({ stores: addresses, planId, withBuffer }));
  } finally {
    await server.end();
  }
}

async function fill(store: string, planId: string, messages: number): Promise<void> {
  const indelible = await openIndelible({ store, persistence: { deadlineMs } });
  const workload = new Workload(1);
  try {
    for (let made = 0; made < messages; made += 5_000) {
      const batch = Array.from({ length: Math.min(5_000, messages - made) }, (_, index) => ({
        ...workload.message(made + index),
        planId,
      }));
      const stored = await indelible.persistence.saveMessagesBatch(batch);
      if (!stored.every(Boolean)) throw new Error('a message was not stored');
    }
  } finally {
    await indelible.close();
  }
}
