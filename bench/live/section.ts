import { fileURLToPath } from 'node:url';
import { ClientProcess } from '../clientProcess.ts';
import { withDatabaseFiles } from '../databaseFiles.ts';
import { type Figure, figures, quantities, type Ratio, ratio, type Section } from '../figures.ts';
import { measureWatched } from '../frames.ts';
import { arriving } from '../loads.ts';
import type { BenchOptions } from '../options.ts';
import { installPeers } from '../peers/install.ts';
import type { Progress } from '../progress.ts';
import { inRounds } from '../rounds.ts';
import type { ContenderAnswer, ContenderQuestion } from './contenderProcess.ts';
import type { SubscribersAnswer, SubscribersQuestion } from './subscribers.ts';

const about = `Messages of 600 bytes to everybody who watches one plan, over real sockets held by another process, which only
counts frames. Indelible: \`/api/v1/socket\`, SQLite, every message stored and synced before it is sent; beside a loop of
\`ws.send\` and a Socket.IO room, which store nothing. A burst comes from 64 savers that never pause (by hand: 64 messages a
turn of the loop); single messages one after the other. "Coming back": clients that are connected ask at the same time
for all of the plan, beside \`ws\` sending a buffer that was made before. Memory is what a garbage collection leaves. CPU is
the server's; on a machine that others use too, it says more than the time.`;

const units = {
  deliveries: '/s',
  CPU: 'µs/delivery',
  took: 'ms',
  memory: 'bytes/socket',
  'stored p50': 'ms',
  'stored p99': 'ms',
  'frame p50': 'ms',
  'frame p99': 'ms',
} as const;
type Measured = Partial<Record<keyof typeof units, number>>;
type Kind = Extract<ContenderQuestion, { ask: 'start' }>['kind'];

interface Size {
  readonly subscribers: number;
  readonly burst: number;
  readonly single: number;
  readonly returning: number;
  readonly stored: number;
}

const full: Size = { subscribers: 1_000, burst: 1_000, single: 100, returning: 500, stored: 1_000 };
const small: Size = { subscribers: 20, burst: 200, single: 10, returning: 20, stored: 500 };

/** How `indelible.v1` fans out, catches up and waits. */
export async function measureLive(options: BenchOptions, progress: Progress): Promise<Section> {
  const size = options.quick ? small : full;
  const folder = fileURLToPath(new URL('.', import.meta.url));
  const missing = await installPeers(folder, progress);
  const kinds: Kind[] = missing === undefined ? ['indelible', 'ws', 'socket.io'] : ['indelible', 'ws'];
  const inFiles = (action: (database: string) => Promise<Measured>) => () =>
    withDatabaseFiles(options.directory, (newPath) => action(newPath()));
  const runs = Object.fromEntries<() => Promise<Measured>>([
    ...kinds.map((kind) => [`${kind}: burst`, inFiles((path) => fanOut(kind, path, size, 'burst'))] as const),
    ...kinds.map((kind) => [`${kind}: single`, inFiles((path) => fanOut(kind, path, size, 'single'))] as const),
    ...(['indelible', 'ws'] as const).map(
      (kind) => [`${kind}: coming back`, inFiles((path) => comeBack(kind, path, size))] as const,
    ),
    ...(['indelible', 'ws'] as const).map(
      (kind) => [`${kind}: idle`, inFiles((path) => idle(kind, path, size))] as const,
    ),
    ...[100, 1_000, 5_000].flatMap((rate) =>
      ([false, 'indelible.v1'] as const).map(
        (by) =>
          [
            `${rate} msg/s${by === false ? ', nobody watching' : ''}`,
            inFiles((path) => measureWatched(path, arriving(rate, options.seconds), by)),
          ] as const,
      ),
    ),
  ]);
  const found = await inRounds(runs, options.rounds, progress);
  return {
    name: 'live',
    about: missing === undefined ? about : `${about}\n\nLEFT OUT: Socket.IO: ${missing}`,
    figures: Object.entries(found).flatMap(([name, rounds]): Figure[] => figures(name, rounds, units)),
    ratios: ratiosOf(found, kinds),
  };
}

function ratiosOf(found: Readonly<Record<string, Measured[]>>, kinds: readonly Kind[]): Ratio[] {
  const of = (name: string, quantity: keyof typeof units) => quantities(found[name] ?? [], quantity);
  const deliveries = (other: Kind, how: string, atLeast: number) => [
    ratio(`indelible / ${other}: ${how}`, of(`indelible: ${how}`, 'deliveries'), of(`${other}: ${how}`, 'deliveries'), {
      atLeast,
    }),
    ratio(
      `${other} / indelible: ${how}, CPU a delivery`,
      of(`${other}: ${how}`, 'CPU'),
      of(`indelible: ${how}`, 'CPU'),
    ),
  ];
  return [
    ...deliveries('ws', 'burst', 5),
    ...(kinds.includes('socket.io') ? deliveries('socket.io', 'burst', 5) : []),
    ...deliveries('ws', 'single', 1.2),
    ratio('indelible / ws, coming back: time', of('indelible: coming back', 'took'), of('ws: coming back', 'took'), {
      atMost: 1.5,
    }),
    ratio('indelible / ws, idle: memory', of('indelible: idle', 'memory'), of('ws: idle', 'memory')),
    ...[100, 1_000, 5_000].flatMap((rate) =>
      (['p50', 'p99'] as const).map((share) =>
        ratio(
          `${rate} msg/s: frame ${share} / nobody watching, stored ${share}`,
          of(`${rate} msg/s`, `frame ${share}`),
          of(`${rate} msg/s, nobody watching`, `stored ${share}`),
        ),
      ),
    ),
  ];
}

interface Running {
  readonly server: ClientProcess<ContenderQuestion, ContenderAnswer>;
  readonly clients: ClientProcess<SubscribersQuestion, SubscribersAnswer>;
  readonly watching: ContenderAnswer['watching'];
}

async function running<T>(
  kind: Kind,
  database: string,
  stored: number,
  action: (one: Running) => Promise<T>,
): Promise<T> {
  const server = new ClientProcess<ContenderQuestion, ContenderAnswer>('./live/contenderProcess.ts');
  const clients = new ClientProcess<SubscribersQuestion, SubscribersAnswer>('./live/subscribers.ts');
  try {
    const { watching } = await server.ask({ ask: 'start', kind, stored, database });
    const result = await action({ server, clients, watching });
    await clients.ask({ ask: 'close' });
    await server.ask({ ask: 'close' });
    return result;
  } finally {
    await clients.end();
    await server.end();
  }
}

function fanOut(kind: Kind, database: string, size: Size, how: 'burst' | 'single'): Promise<Measured> {
  return running(kind, database, 0, async ({ server, clients, watching }) => {
    const { subscribers, [how]: count } = size;
    await clients.ask({ ask: 'open', count: subscribers, ...watching, frames: watching.answers });
    await server.ask({ ask: 'cost' });
    const arrived = clients.ask({ ask: 'frames', each: count });
    const { beganAt, cpu } = await server.ask({ ask: 'send', count, how });
    const { lastAt } = await arrived;
    const rest = await server.ask({ ask: 'cost' });
    const delivered = subscribers * count;
    return { deliveries: (delivered / (lastAt - beganAt)) * 1000, CPU: (cpu + rest.cpu) / delivered };
  });
}

function comeBack(kind: Kind, database: string, { returning: count, stored }: Size): Promise<Measured> {
  return running(kind, database, stored, async ({ server, clients, watching }) => {
    await server.ask({ ask: 'cost' });
    const { saidAt, lastAt } = await clients.ask({
      ask: 'open',
      count,
      ...watching,
      frames: stored + watching.answers,
    });
    const { cpu } = await server.ask({ ask: 'cost' });
    return { took: lastAt - saidAt, CPU: cpu / (count * stored) };
  });
}

function idle(kind: Kind, database: string, { subscribers: count }: Size): Promise<Measured> {
  return running(kind, database, 0, async ({ server, clients, watching }) => {
    await clients.ask({ ask: 'open', count: 1, ...watching, frames: watching.answers });
    const before = await server.ask({ ask: 'cost' });
    await clients.ask({ ask: 'open', count, ...watching, frames: watching.answers });
    const after = await server.ask({ ask: 'cost' });
    return { memory: Math.max(0, after.memory - before.memory) / count };
  });
}
