/**
 * `node hostProcess.ts <json>`: a process as users write them, that opens the log and has agents inside. Says `ready`,
 * then each second how it is; listens to `pause` and `resume`. Ends on SIGTERM.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Indelible, openIndelible } from '../../../src/agents/indelible.ts';
import { IndelibleError } from '../../../src/protocol/errors.ts';
import { MemorySpool } from '../../persistence/memorySpool.ts';
import { Gate } from '../gate.ts';
import type { Lane } from '../lane.ts';
import type { Answered } from '../timeline.ts';
import { HostedAgent } from './hostedAgent.ts';

export interface HostOptions {
  readonly name: string;
  readonly store: string;
  /** A file, or `memory` for what must not be: a spool that dies with its process. */
  readonly spool: string;
  readonly folder: string;
  readonly seed: number;
  readonly lanes: readonly (Lane & { readonly atOnce: number })[];
}

/** What it says. */
export type HostReport =
  | { readonly type: 'ready' | 'paused' }
  | { readonly type: 'second'; readonly spoolDepth: number; readonly saves: readonly (readonly [Answered, number])[] };

const options: HostOptions = JSON.parse(process.argv[2] ?? '{}');
const { store, folder, seed, lanes, name: host } = options;
const spool = options.spool === 'memory' ? new MemorySpool() : options.spool;
const indelible = await opened();
const gate = new Gate();
let saves: [Answered, number][] = [];

process.on('SIGTERM', () => void indelible.close(1_500).then(() => process.exit()));
process.on('message', (message) => {
  if (message === 'resume') gate.open();
  else void gate.close().then(() => say({ type: 'paused' }));
});
setInterval(() => {
  say({ type: 'second', spoolDepth: indelible.persistence.outage().depth, saves });
  saves = [];
}, 1_000);
for (const { atOnce, ...lane } of lanes) {
  const answered = (status: Answered, ms: number) => void saves.push([status, Math.round(ms * 100) / 100]);
  void new HostedAgent({ indelible, folder, host, seed, lane, atOnce, gate, answered }).run();
}
say({ type: 'ready' });

/** A log opens only when its database is there. */
async function opened(): Promise<Indelible> {
  for (;;) {
    try {
      return await openIndelible({ store, spool });
    } catch (error) {
      if (!IndelibleError.is(error, 'store_unavailable')) throw error;
      await sleep(500);
    }
  }
}

function say(report: HostReport): void {
  process.send?.(report, () => {});
}
