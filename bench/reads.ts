import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ClientProcess } from './clientProcess.ts';
import { withDatabaseFiles } from './databaseFiles.ts';
import { figure, percentile, ratio, type Section } from './figures.ts';
import type { BenchOptions } from './options.ts';
import type { Progress } from './progress.ts';
import type { ReaderAnswer, ReaderQuestion } from './reader.ts';
import { inRounds } from './rounds.ts';
import { type ServedLog, serving } from './servedLog.ts';
import { Workload } from './workload.ts';

const about = `Ms for GET /api/v3/plan of a plan with 10,000 messages, one after the other from another process, beside
the same bytes as a buffer that a bare node:http server holds ready in the same process. Once the plan was written alone,
once in turns with 99 others, so that its messages lie far apart in the file.`;

export async function measureReads(options: BenchOptions, progress: Progress): Promise<Section> {
  const messages = options.quick ? 200 : 10_000;
  return withDatabaseFiles(options.directory, (newPath) =>
    serving(newPath(), async (served) => {
      progress('filling');
      const [alone] = (await fill(served, 'alone', 1, messages)) as [string];
      const [among] = (await fill(served, 'among', 100, messages)) as [string];
      const client = new ClientProcess<ReaderQuestion, ReaderAnswer>('./reader.ts');
      const path = (planId: string) => `${served.server.url}/api/v3/plan?plan_id=${planId}`;
      const buffer = Buffer.from(await (await fetch(path(among))).arrayBuffer());
      const fixed = createServer((_, response) => response.end(buffer)).listen(0, '127.0.0.1');
      await once(fixed, 'listening');
      const times = Math.max(2, Math.round(options.seconds * 5));
      const get = (url: string) => async () => {
        const { ms, bytes } = await client.ask({ url, times });
        if (bytes < messages * 600) throw new Error(`an answer had ${bytes} bytes`);
        return percentile(ms, 0.5);
      };
      try {
        const found = await inRounds(
          {
            'static buffer': get(`http://127.0.0.1:${(fixed.address() as AddressInfo).port}/`),
            'plan written alone': get(path(alone)),
            'plan written among 100': get(path(among)),
          },
          options.rounds,
          progress,
        );
        const fixedMs = found['static buffer'];
        return {
          name: 'reads',
          about,
          figures: Object.entries(found).map(([name, rounds]) => figure(name, 'ms', rounds)),
          ratios: [
            ratio('plan written alone / static buffer', found['plan written alone'], fixedMs),
            ratio('plan written among 100 / static buffer', found['plan written among 100'], fixedMs),
          ],
        };
      } finally {
        await client.end();
        fixed.closeAllConnections();
        fixed.close();
      }
    }),
  );
}

/** Writes `messages` messages to each of so many plans, in turns; answers the plans. */
async function fill({ indelible }: ServedLog, name: string, plans: number, messages: number): Promise<string[]> {
  const workload = new Workload(plans);
  const planIds = workload.planIds.map((planId) => `${name}-${planId}`);
  for (let made = 0; made < plans * messages; ) {
    const batch = Array.from({ length: Math.min(10_000, plans * messages - made) }, () => {
      const message = workload.message(made++);
      return { ...message, planId: `${name}-${message.planId}` };
    });
    const stored = await indelible.persistence.saveMessagesBatch(batch);
    if (!stored.every(Boolean)) throw new Error('a message was not stored');
  }
  return planIds;
}
