import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Indelible, type LogOptions } from '../../src/agents/indelible.ts';
import type { IndelibleEvent } from '../../src/observe/events.ts';
import type { LiveEvent } from '../../src/protocol/liveEvent.ts';
import type { StoredMessage } from '../../src/protocol/message.ts';
import { logStart } from '../../src/store/messageLog.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';

export interface TemporaryLog {
  readonly indelible: Indelible;
  /** The database's file. */
  readonly file: string;
  /** All that happened, in order. */
  readonly events: IndelibleEvent[];
}

/** A log in a file of its own, gone when the test is over. `wrap` may put faults between the log and its store. */
export function temporaryLog(
  options: Omit<LogOptions, 'observe'> = {},
  wrap = (store: Store): Store => store,
): TemporaryLog {
  const file = join(temporaryFolder(), 'log.db');
  const events: IndelibleEvent[] = [];
  const observe = (event: IndelibleEvent) => void events.push(event);
  const indelible = new Indelible(wrap(openSqliteStore(file)), { ...options, observe });
  onTestFinished(() => indelible.close());
  return { indelible, file, events };
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'indelible-runs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a watcher of a plan is given from now on, messages and live events, in the order it sees them. */
export async function watch({ feed }: Indelible, planId: string): Promise<(LiveEvent | StoredMessage)[]> {
  const seen: (LiveEvent | StoredMessage)[] = [];
  await new Promise<void>((caughtUp) => {
    const subscription = feed.subscribe(planId, logStart, {
      messages: (messages) => void seen.push(...messages),
      live: (event) => void seen.push(event),
      caughtUp,
    });
    onTestFinished(() => subscription.close());
  });
  return seen;
}
