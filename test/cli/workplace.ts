import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';

/** An empty folder, gone when the test is over. Commands given there keep their messages there. */
export function workplace(): string {
  const folder = mkdtempSync(join(tmpdir(), 'indelible-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/** The database that commands given in `folder` use, for as long as `action` takes. */
export async function inDatabase<T>(folder: string, action: (store: Store) => Promise<T>): Promise<T> {
  const store = openSqliteStore(join(folder, 'indelible.db'));
  try {
    return await action(store);
  } finally {
    await store.close();
  }
}

/** Makes a plan, with as many messages. A database with a plan is not new: `serve` runs no demo. */
export function withPlan(folder: string, planId = 'a-plan', status: 'in_progress' | 'completed' = 'completed') {
  return inDatabase(folder, (store) =>
    store.plans.create({
      planId,
      sessionId: 'session',
      userId: 'user',
      teamId: 'team',
      description: 'What it is about',
      status,
      createdAt: '2026-11-23T12:00:00.000Z',
    }),
  );
}
