import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import { openPostgresStore } from '../../src/store/postgres/index.ts';
import { readAll } from '../../src/store/readAll.ts';
import type { History, ReadMessage } from '../../src/testing/history.ts';

/** What the history says is wrong with what the database at `url` holds now, read over new connections. */
export async function violationsOf(history: History, url: string): Promise<string[]> {
  const store = await openPostgresStore(url, { migrate: false });
  try {
    const database: ReadMessage[] = [];
    for (const planId of history.planIds) {
      for await (const message of readAll(store.log, planId)) database.push(toAgentMessage(message));
    }
    return history.violations(database);
  } finally {
    await store.close();
  }
}
