import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CheckpointSaverTestInitializer } from '@langchain/langgraph-checkpoint-validation';
import { type Checkpointer, openCheckpointer } from 'indelible/langgraph';
import * as vitest from 'vitest';
import { type TestDatabase, testPostgres } from '../../postgres.ts';

// The suite takes its describe, it and expect from the global scope, where this project's runner does not put them.
const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } = vitest;
Object.assign(globalThis, { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test });
const { deltaChannelHistoryTests, validate } = await import('@langchain/langgraph-checkpoint-validation');

/**
 * LangGraph's own suite, all of it: the savers that it leaves some tests out for are known to it by name, and ours is
 * none of them. The part about delta channels is not in `validate` yet; LangGraph runs it for its own savers.
 */
function holdsLangGraphsContract(initializer: CheckpointSaverTestInitializer<Checkpointer>): void {
  describe(`${initializer.checkpointerName} passes LangGraph's checkpointer validation suite`, () => {
    validate(initializer);
    deltaChannelHistoryTests(initializer);
  });
}

const databases = new Map<Checkpointer, () => Promise<void> | void>();

async function destroyCheckpointer(checkpointer: Checkpointer): Promise<void> {
  await checkpointer.close();
  await databases.get(checkpointer)?.();
}

holdsLangGraphsContract({
  checkpointerName: 'indelible on a SQLite file',
  async createCheckpointer() {
    const folder = mkdtempSync(join(tmpdir(), 'indelible-checkpoints-'));
    const checkpointer = await openCheckpointer(`sqlite:${join(folder, 'log.db')}`);
    databases.set(checkpointer, () => rmSync(folder, { recursive: true, force: true }));
    return checkpointer;
  },
  destroyCheckpointer,
});

holdsLangGraphsContract({
  checkpointerName: 'indelible on SQLite in memory',
  createCheckpointer: () => openCheckpointer('sqlite::memory:'),
  destroyCheckpointer,
});

let postgres: TestDatabase | undefined;
holdsLangGraphsContract({
  checkpointerName: 'indelible on PostgreSQL',
  beforeAllTimeout: 60_000,
  async beforeAll() {
    postgres = await testPostgres();
  },
  async afterAll() {
    await postgres?.drop();
  },
  createCheckpointer: () => openCheckpointer(postgres?.url ?? ''),
  async destroyCheckpointer(checkpointer) {
    for await (const { config } of checkpointer.list({})) {
      await checkpointer.deleteThread(config.configurable?.['thread_id']);
    }
    await checkpointer.close();
  },
});
