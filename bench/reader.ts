/** The client process of bench/read/section.ts: gets an address again and again, and notes how long each took. */
import { Agent, get } from 'node:http';
import { monotonicMs } from './monotonic.ts';

export interface ReaderQuestion {
  readonly url: string;
  readonly times: number;
}

export interface ReaderAnswer {
  readonly ms: readonly number[];
  /** Of each answer. */
  readonly bytes: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function getOnce(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () =>
        response.statusCode === 200 ? resolve(bytes) : reject(new Error(`${response.statusCode}`)),
      );
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}

process.on('message', async ({ url, times }: ReaderQuestion) => {
  const ms: number[] = [];
  let bytes = 0;
  for (let count = 0; count < times; count++) {
    const start = monotonicMs();
    bytes = await getOnce(url);
    ms.push(monotonicMs() - start);
  }
  process.send?.({ ms, bytes });
});
process.on('disconnect', () => agent.destroy());
