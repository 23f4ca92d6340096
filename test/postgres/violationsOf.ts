import { toAgentMessage } from '../../src/protocol/agentMessage.ts';
import { openStore } from '../../src/store/openStore.ts';
import { readAll } from '../../src/store/readAll.ts';
import type { History, ReadMessage } from '../../src/testing/history.ts';

/** All plans of the history as the database at `address` holds them now, opened anew. */
export async function rowsOf(history: History, address: string): Promise<ReadMessage[]> {
  const store = await openStore(address, { migrate: false });
  try {
    const rows: ReadMessage[] = [];
    for (const planId of history.planIds) {
      for await (const message of readAll(store.log, planId)) rows.push(toAgentMessage(message));
    }
    return rows;
  } finally {
    await store.close();
  }
}

/** What the history says is wrong with that. */
export async function violationsOf(history: History, url: string): Promise<string[]> {
  return history.violations(await rowsOf(history, url));
}
