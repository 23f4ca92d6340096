import { join } from 'node:path';
import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import { readAll } from '../../src/store/readAll.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { sample } from '../../src/testing/contract/sampleMessages.ts';
import type { History, ReadMessage } from '../../src/testing/history.ts';
import type { Durable } from './durable.ts';

/** What of the history does not hold in the log at `path`, opened anew; a log that cannot be read or written is told, too. */
export async function violationsInFile(path: string, history: History): Promise<string[]> {
  try {
    const store = openSqliteStore(path);
    try {
      const rows: ReadMessage[] = [];
      for (const planId of history.planIds) {
        for await (const message of readAll(store.log, planId)) rows.push(toAgentMessage(message));
      }
      const found = history.violations(rows);
      const [saved] = await store.log.append([sample('afterwards', { planId: 'afterwards' })]);
      return saved === undefined ? [...found, 'what is saved afterwards is not stored'] : found;
    } finally {
      await store.close();
    }
  } catch (error) {
    return [`the log cannot be used: ${error}`];
  }
}

/** The embedded database. */
export const sqlite: Durable = {
  name: 'SQLite',
  address: (folder) => `sqlite:${file(folder)}`,
  file,
  violations: (folder, history) => violationsInFile(file(folder), history),
  unavailable: 'store_unavailable',
};

function file(folder: string): string {
  return join(folder, 'log.db');
}
