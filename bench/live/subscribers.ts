/** The client process of bench/live: many sockets that count what they are sent. */
import { monotonicMs } from '../monotonic.ts';
import { RawClient } from './rawClient.ts';

export type SubscribersQuestion =
  /** Opens sockets and says `hello` over each; answered when each was sent `frames` frames, which then count no more. */
  | {
      readonly ask: 'open';
      readonly count: number;
      readonly port: number;
      readonly path: string;
      readonly hello: string;
      readonly frames: number;
    }
  /** Answered when each was sent so many frames since they were last counted, or given up after three minutes. */
  | { readonly ask: 'frames'; readonly each: number }
  | { readonly ask: 'close' };

export interface SubscribersAnswer {
  /** {@link monotonicMs} when all were open and said hello; when the last frame was there. */
  readonly saidAt: number;
  readonly lastAt: number;
  /** µs of this process. */
  readonly cpu: number;
}

const patienceMs = 180_000;
let clients: RawClient[] = [];
let looking = () => {};

async function open(question: Extract<SubscribersQuestion, { ask: 'open' }>): Promise<readonly RawClient[]> {
  const { count, port, path, hello } = question;
  const made = Array.from(
    { length: count },
    (_, index) => new RawClient(port, `${path}${path.includes('?') ? '&' : '?'}user_id=user-${index}`, () => looking()),
  );
  clients.push(...made);
  await Promise.all(made.map(({ opened }) => opened));
  for (const client of made) client.send(hello);
  return made;
}

/** When each has so many frames. */
function counted(waiting: readonly RawClient[], each: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('frames are missing')), patienceMs);
    let missing = waiting.length;
    looking = () => {
      while (missing > 0 && (waiting[missing - 1]?.frames ?? 0) >= each) missing--;
      if (missing > 0) return;
      clearTimeout(late);
      looking = () => {};
      resolve(monotonicMs());
    };
    looking();
  });
}

async function answer(question: SubscribersQuestion): Promise<SubscribersAnswer> {
  const before = process.cpuUsage();
  let [saidAt, lastAt] = [0, 0];
  if (question.ask === 'open') {
    const opened = await open(question);
    saidAt = monotonicMs();
    lastAt = await counted(opened, question.frames);
  } else if (question.ask === 'frames') lastAt = await counted(clients, question.each);
  else {
    for (const client of clients) client.close();
    clients = [];
  }
  for (const client of clients) client.frames = 0;
  const { user, system } = process.cpuUsage(before);
  return { saidAt, lastAt, cpu: user + system };
}

process.on('message', async (question: SubscribersQuestion) => {
  process.send?.(await answer(question));
});
process.on('disconnect', () => process.exit());
