/** A server process of bench/live: one contender, and what it costs. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { monotonicMs } from '../monotonic.ts';
import type { Contender } from './contender.ts';
import { IndelibleContender } from './indelibleContender.ts';
import { SocketIoContender } from './socketIoContender.ts';
import { WsContender } from './wsContender.ts';

export type ContenderQuestion =
  /** `stored`: messages that are there before anybody watches. */
  | {
      readonly ask: 'start';
      readonly kind: 'indelible' | 'ws' | 'socket.io';
      readonly stored: number;
      readonly database: string;
    }
  | { readonly ask: 'send'; readonly count: number; readonly how: 'burst' | 'single' }
  | { readonly ask: 'cost' }
  | { readonly ask: 'close' };

export interface ContenderAnswer {
  readonly watching: Pick<Contender, 'port' | 'path' | 'hello' | 'answers'>;
  /** {@link monotonicMs} when sending began. */
  readonly beganAt: number;
  /** µs of this process since it was last asked. */
  readonly cpu: number;
  /** Bytes that are in use after a garbage collection; 0 if not asked for. */
  readonly memory: number;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
let contender: Contender | undefined;
let cpu = process.cpuUsage();

async function start({ kind, stored, database }: Extract<ContenderQuestion, { ask: 'start' }>): Promise<Contender> {
  if (kind === 'socket.io') return SocketIoContender.start();
  if (kind === 'ws') return WsContender.start(stored);
  const indelible = await IndelibleContender.start(database);
  if (stored > 0) await indelible.send(stored, 'burst');
  return indelible;
}

async function answer(question: ContenderQuestion): Promise<ContenderAnswer> {
  if (question.ask === 'start') contender = await start(question);
  const { port = 0, path = '', hello = '', answers = 0 } = contender ?? {};
  const beganAt = monotonicMs();
  let memory = 0;
  if (question.ask === 'send') await contender?.send(question.count, question.how);
  else if (question.ask === 'close') await contender?.close();
  else if (question.ask === 'cost') {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 50));
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    memory = heapUsed + external;
  }
  const { user, system } = process.cpuUsage(cpu);
  cpu = process.cpuUsage();
  return { watching: { port, path, hello, answers }, beganAt, cpu: user + system, memory };
}

process.on('message', async (question: ContenderQuestion) => {
  process.send?.(await answer(question));
});
process.on('disconnect', () => process.exit());
