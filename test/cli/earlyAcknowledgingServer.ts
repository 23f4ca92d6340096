/**
 * The control of the kill test: `serve` on a store that acknowledges before it commits. It gives out the places in
 * memory, answers, and writes a moment later; whoever reads while it lives sees nothing wrong.
 *
 * Given as `indelible serve --port <port>` is, in the folder of the database.
 */
import { Indelible } from '../../src/agents/indelible.ts';
import type { PreparedMessage } from '../../src/protocol/message.ts';
import { Runner } from '../../src/runs/runner.ts';
import { demoTeam } from '../../src/runs/teams/demo.ts';
import { startServer } from '../../src/server/startServer.ts';
import type { AppendOutcome, MessageLog } from '../../src/store/messageLog.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';

const commitAfterMs = 300;

const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
const store = openSqliteStore('indelible.db');
const { log } = store;
const places = new Map<string, number>();
const heads = new Map<string, number>();

async function append(batch: readonly PreparedMessage[]): Promise<readonly AppendOutcome[]> {
  const outcomes: AppendOutcome[] = [];
  for (const message of batch) outcomes.push(await placed(message));
  setTimeout(() => void log.append(batch), commitAfterMs);
  return outcomes;
}

async function placed(message: PreparedMessage): Promise<AppendOutcome> {
  const { planId, messageId } = message;
  const stored = await log.find(planId, messageId);
  if (stored !== undefined) return { status: 'duplicate', message: stored };
  const head = heads.get(planId) ?? (await log.heads([planId])).get(planId)?.sequence ?? 0;
  const known = places.get(`${planId}/${messageId}`);
  const sequence = known ?? head + 1;
  places.set(`${planId}/${messageId}`, sequence);
  if (known === undefined) heads.set(planId, sequence);
  return { status: 'stored', message: { ...message, sequence, version: 1, revision: 0 } };
}

const early = new Proxy(log, {
  get(target, name: keyof MessageLog) {
    if (name === 'append') return append;
    const member = target[name];
    return typeof member === 'function' ? member.bind(target) : member;
  },
});
const indelible = new Indelible({ ...store, log: early });
const { url } = await startServer({ indelible, runner: new Runner(indelible, [demoTeam]), port });
process.stdout.write(`Listening on ${url}\n`);
