import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { readAll } from '../../src/store/readAll.ts';
import { History, type ReadMessage } from '../../src/testing/history.ts';
import { replayProducer, replayWatcher } from './journal.ts';

export interface Verdict {
  readonly plans: number;
  readonly producers: number;
  readonly rows: number;
  /** Submissions by what the producer was told in the end. The same message to two servers is two of them. */
  readonly counts: { readonly acknowledged: number; readonly unknown: number };
  readonly connections: number;
  readonly seen: number;
  /** Messages that watchers were shown as spooled, before they had a place. */
  readonly seenSpooled: number;
  /** One sentence for each broken promise. */
  readonly violations: readonly string[];
}

/** Holds what the journals say, plan by plan, against the database at `url` as it is now. */
export async function verdictOf(folder: string, url: string, seed: number): Promise<Verdict> {
  const store = await openPostgresStore(url, { migrate: false });
  const totals = { plans: 0, producers: 0, rows: 0, connections: 0, seen: 0, seenSpooled: 0 };
  const counts = { acknowledged: 0, unknown: 0 };
  const violations: string[] = [];
  try {
    for (const planId of readdirSync(folder).sort()) {
      const history = new History();
      const shown: string[] = [];
      const rows: ReadMessage[] = [];
      for await (const message of readAll(store.log, planId)) rows.push(toAgentMessage(message));
      for (const file of readdirSync(join(folder, planId)).sort()) {
        const text = readFileSync(join(folder, planId, file), 'utf8');
        if (file.endsWith('.producer')) {
          replayProducer(text, file.slice(0, -'.producer'.length), seed, history);
          totals.producers++;
        } else {
          const { connections, seen, spooled } = replayWatcher(text, rows, planId, history);
          totals.connections += connections;
          totals.seen += seen;
          totals.seenSpooled += spooled.length;
          shown.push(...spooled);
        }
      }
      const stored = new Set(rows.map(({ messageId }) => messageId));
      const lost = shown.filter((messageId) => !stored.has(messageId));
      violations.push(...history.violations(rows));
      violations.push(
        ...lost.map((messageId) => `plan ${planId}: ${messageId} was shown as spooled and is not stored`),
      );
      const { acknowledged, unknown } = history.counts();
      counts.acknowledged += acknowledged;
      counts.unknown += unknown;
      totals.plans++;
      totals.rows += rows.length;
    }
  } finally {
    await store.close();
  }
  return { ...totals, counts, violations };
}

/** The id of the last message of each plan. */
export async function lastMessages(url: string, planIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const store = await openPostgresStore(url, { migrate: false });
  try {
    const last = new Map<string, string>();
    for (const [planId, { sequence, revision }] of await store.log.heads(planIds)) {
      const { messages } = await store.log.read(planId, { sequence: Math.max(0, sequence - 1), revision }, 1);
      if (messages[0] !== undefined) last.set(planId, messages[0].messageId);
    }
    return last;
  } finally {
    await store.close();
  }
}
